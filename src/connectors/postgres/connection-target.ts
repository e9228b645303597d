/**
 * Where and as whom to connect: the URL, then the PG* variables, then libpq's defaults. Parameters that would change what is asked for
 * and that we cannot honour are refused, those that only tune libpq are ignored.
 */
import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '../../errors/sluice-error.ts';
import { lookUpPassword } from './password-file.ts';

export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

export interface TlsFilesWanted {
  readonly rootCert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly keyPassword?: string;
  readonly crl?: string;
  readonly minVersion?: string;
  readonly maxVersion?: string;
  /** ~/.postgresql, where libpq looks for what is not named. */
  readonly folder: string;
}

export interface ConnectionTarget {
  /** Host name, address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Not enumerable, so that no print of this object shows it. */
  readonly password: string | undefined;
  readonly passwordNote: string | undefined;
  readonly sslMode: SslMode;
  readonly sslDirect: boolean;
  readonly tlsFiles: TlsFilesWanted;
  /** 0: no limit. */
  readonly timeoutSeconds: number;
  readonly options: string | undefined;
  readonly applicationName: string;
  /** For people: `postgres://user@host:5432/database`, `host:5432`. */
  readonly name: string;
  readonly address: string;
}

/** Waiting for ever, as libpq does, is no default for a program that runs at night. */
const DEFAULT_TIMEOUT_SECONDS = 30;

const ENVIRONMENT: Readonly<Record<string, string>> = {
  host: 'PGHOST', port: 'PGPORT', user: 'PGUSER', password: 'PGPASSWORD', dbname: 'PGDATABASE', passfile: 'PGPASSFILE',
  sslmode: 'PGSSLMODE', sslrootcert: 'PGSSLROOTCERT', sslcert: 'PGSSLCERT', sslkey: 'PGSSLKEY', sslcrl: 'PGSSLCRL',
  sslnegotiation: 'PGSSLNEGOTIATION', ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION', ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
  connect_timeout: 'PGCONNECT_TIMEOUT', options: 'PGOPTIONS',
};

const KNOWN = new Set([...Object.keys(ENVIRONMENT), 'application_name', 'sslpassword']);

/** They tune libpq, or say what we do anyway. */
const IGNORED = new Set([
  'target_session_attrs', 'load_balance_hosts', 'fallback_application_name', 'client_encoding', 'keepalives', 'keepalives_idle', 'keepalives_interval',
  'keepalives_count', 'tcp_user_timeout', 'gssencmode', 'gsslib', 'krbsrvname', 'sslcompression', 'sslsni', 'channel_binding',
  'min_protocol_version', 'max_protocol_version',
]);

/** @throws SluiceError USAGE for a URL that is not one, OPTION_UNSUPPORTED for parameters that we cannot honour */
export async function resolveTarget(url: string, env: NodeJS.ProcessEnv, applicationName: string): Promise<ConnectionTarget> {
  const given = parseUrl(url);
  const setting = (name: string): string | undefined => given.get(name) ?? (env[ENVIRONMENT[name] ?? ''] || undefined);
  const home = env.HOME || homedir();
  const port = readNumber(setting('port') ?? '5432', 'port', 1, 65535);
  const host = setting('host') ?? defaultHost(port);
  const user = setting('user') ?? userInfo().username;
  const database = setting('dbname') ?? user;
  const sslMode = readSslMode(setting('sslmode'), setting('sslrootcert'));
  const answer = given.has('password') || env.PGPASSWORD
    ? { password: setting('password') }
    : await lookUpPassword(setting('passfile') ?? join(home, '.pgpass'), { host, port, database, user });
  const target: ConnectionTarget = {
    host, port, user, database, sslMode,
    password: undefined,
    passwordNote: 'ignored' in answer ? answer.ignored : undefined,
    sslDirect: setting('sslnegotiation') === 'direct',
    tlsFiles: { folder: join(home, '.postgresql'), ...tlsFiles(setting) },
    timeoutSeconds: readNumber(setting('connect_timeout') ?? String(DEFAULT_TIMEOUT_SECONDS), 'connect_timeout', 0, 86_400),
    options: setting('options'),
    applicationName: given.get('application_name') ?? applicationName,
    name: targetName(user, host, port, database),
    address: host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : `${bracketed(host)}:${port}`,
  };
  return Object.defineProperty(target, 'password', { value: answer.password, enumerable: false });
}

/** The parts of the URL under libpq's parameter names, percent-decoded. */
export function parseUrl(url: string): Map<string, string> {
  // The user part runs to the last @ before the path: a password with an @ that was not encoded is understood.
  const match = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?(?:#.*)?$/is.exec(url);
  if (match === null) throw new SluiceError('USAGE', { what: 'A PostgreSQL URL has the form postgres://user@host:5432/database' });
  const [, userPart, hostPart, database, query] = match;
  const given = new Map<string, string>();
  const put = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') given.set(name, decode(value));
  };
  if (userPart !== undefined) {
    const colon = userPart.indexOf(':');
    put('user', colon < 0 ? userPart : userPart.slice(0, colon));
    if (colon >= 0) put('password', userPart.slice(colon + 1));
  }
  putHost(hostPart ?? '', put);
  put('dbname', database);
  for (const pair of (query ?? '').split('&').filter((text) => text !== '')) {
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    // JDBC's word for it, which libpq takes in URLs too.
    if (pair === 'ssl=true') {
      put('sslmode', 'require');
      continue;
    }
    checkParameter(name, equals < 0 ? '' : decode(pair.slice(equals + 1)));
    put(name, equals < 0 ? '' : pair.slice(equals + 1));
  }
  if (given.get('host')?.includes(',')) throw new SluiceError('OPTION_UNSUPPORTED', { option: 'More than one host', context: 'in a PostgreSQL URL' });
  return given;
}

function putHost(text: string, put: (name: string, value: string | undefined) => void): void {
  const match = /^(?:\[([^\]]*)\]|([^:,]*))(?::(\d*))?$/.exec(text);
  if (match === null) {
    if (text.includes(',')) throw new SluiceError('OPTION_UNSUPPORTED', { option: 'More than one host', context: 'in a PostgreSQL URL' });
    throw new SluiceError('USAGE', { what: 'The host of the PostgreSQL URL is not valid; write special characters of the password percent-encoded (@ as %40, / as %2F)' });
  }
  put('host', match[1] ?? match[2]);
  put('port', match[3]);
}

function checkParameter(name: string, value: string): void {
  if (KNOWN.has(name)) return;
  const unsupported = (name === 'channel_binding' || name === 'gssencmode') && value === 'require';
  if (IGNORED.has(name) && !unsupported) return;
  throw new SluiceError('OPTION_UNSUPPORTED', { option: `The parameter ${unsupported ? `${name}=require` : `"${name}"`}`, context: 'in a PostgreSQL URL' });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    // The text may be a password: not shown.
    throw new SluiceError('USAGE', { what: 'The PostgreSQL URL is not percent-encoded correctly; write % as %25' }, {}, error);
  }
}

function readSslMode(text: string | undefined, rootCert: string | undefined): SslMode {
  const mode = SSL_MODES.find((known) => known === (text ?? (rootCert === 'system' ? 'verify-full' : 'prefer')));
  if (mode === undefined) throw new SluiceError('USAGE', { what: `sslmode is one of ${SSL_MODES.join(', ')}` });
  if (rootCert === 'system' && mode !== 'verify-full') throw new SluiceError('USAGE', { what: 'sslrootcert=system needs sslmode=verify-full' });
  return mode;
}

function tlsFiles(setting: (name: string) => string | undefined): Partial<Omit<TlsFilesWanted, 'folder'>> {
  const names = {
    rootCert: 'sslrootcert', cert: 'sslcert', key: 'sslkey', keyPassword: 'sslpassword', crl: 'sslcrl',
    minVersion: 'ssl_min_protocol_version', maxVersion: 'ssl_max_protocol_version',
  };
  return Object.fromEntries(Object.entries(names).flatMap(([key, name]) => (setting(name) === undefined ? [] : [[key, setting(name)!]])));
}

function readNumber(text: string, name: string, least: number, most: number): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new SluiceError('USAGE', { what: `${name} of the PostgreSQL connection is a number from ${least} to ${most}` });
}

/** libpq's default is the socket folder that it was built with: Debian's, or the original one. */
function defaultHost(port: number): string {
  return ['/var/run/postgresql', '/tmp'].find((folder) => existsSync(join(folder, `.s.PGSQL.${port}`))) ?? 'localhost';
}

function targetName(user: string, host: string, port: number, database: string): string {
  const [who, what] = [encodeURIComponent(user), encodeURIComponent(database)];
  if (host.startsWith('/')) return `postgres://${who}@/${what}?host=${host}&port=${port}`;
  return `postgres://${who}@${bracketed(host)}:${port}/${what}`;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
