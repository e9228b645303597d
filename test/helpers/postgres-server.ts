/**
 * Real PostgreSQL servers for tests: started on a free port with a data directory of their own, gone afterwards
 * whatever happens to the tests.
 *
 * Most tests want only a database: `await createDatabase()` makes one on the server that the whole run shares. A test
 * that needs settings of its own, or kills its server, starts one with `startPostgres`.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, chmod, mkdir, mkdtemp, open, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { addExtension } from './added-extension.ts';
import { dismissGuard, startGuard } from './guard.ts';
import { give, reachablePrograms, reachableTemporaryFolder, serverAccount, type Account } from './postgres-account.ts';
import { findPostgres, type PostgresVersion } from './postgres-binaries.ts';
import { makeTlsFiles, type TlsFiles } from './postgres-tls.ts';

export type { PostgresVersion, TlsFiles };

export const POSTGRES_URL_VARIABLE = 'SLUICE_TEST_POSTGRES_URL';

/** `PROGRAMS:FOLDER`: a cluster fresh from the initdb of these programs. Copying it takes a third of the time of another initdb. */
const TEMPLATE_VARIABLE = 'SLUICE_TEST_POSTGRES_TEMPLATE';

const USER = 'postgres';
const PASSWORD = 'sluice-test';
const START_LIMIT_MS = 60_000;

export interface PostgresOptions {
  /** Default: that of the shared server, 18 unless SLUICE_TEST_POSTGRES_VERSION says otherwise. */
  readonly version?: PostgresVersion;
  /** Lines for postgresql.conf. They come last, so they also override the quick but unsafe settings of tests (fsync off). */
  readonly settings?: Readonly<Record<string, string>>;
  /** Default: a temporary folder. One that is given (a small disk) is kept by stop(), and a cluster already in it is used. */
  readonly dataDir?: string;
  /** true: TLS is offered. 'required': no connection without. 'client-certificate': nor without a certificate of ours. */
  readonly ssl?: boolean | 'required' | 'client-certificate';
  /** A folder with the control file and SQL of an extension that it shall have; of Debian's server only. */
  readonly extension?: string;
}

export interface PostgresServer {
  /** Of the database `postgres`, as superuser. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly dataDir: string;
  /** With the option `ssl`. */
  readonly tls: TlsFiles | undefined;
  /** PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE, for psql, pg_dump and others. */
  readonly psqlEnv: Readonly<Record<string, string>>;
  /** The process id of the postmaster; undefined while it is not running. */
  readonly pid: number | undefined;
  /** A new empty database; gives its URL. */
  createDatabase(name?: string): Promise<string>;
  /** Sends a signal to the postmaster (SIGKILL is a crash) and, where the signal ends it, waits for its end. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Stops it where it still runs, and starts it again on the same port. */
  restart(): Promise<void>;
  /** What it has written to its log. */
  log(): Promise<string>;
  /** Stops it and removes its files. May be called again. */
  stop(): Promise<void>;
}

export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  return startCluster(options, false);
}

/** The server that the whole run shares, named in the environment for the processes of the tests. */
export async function startSharedPostgres(): Promise<PostgresServer> {
  const server = await startCluster({}, true);
  process.env[POSTGRES_URL_VARIABLE] = server.url;
  return server;
}

async function startCluster(options: PostgresOptions, keepTemplate: boolean): Promise<PostgresServer> {
  const account = await serverAccount();
  const folder = await mkdtemp(join(await reachableTemporaryFolder(account), 'sluice-postgres-'));
  await give(folder, account);
  const dataDir = options.dataDir ?? join(folder, 'data');
  const guard = startGuard(folder, dataDir);
  try {
    const home = await findPostgres(options.version ?? defaultVersion());
    const bin = join(await reachablePrograms(home, folder, account), 'bin');
    const cluster = new Cluster({ home, bin, folder, dataDir, account, guard, keepTemplate });
    const added = options.extension === undefined ? {} : await addExtension(home, folder, options.extension, account);
    await cluster.initialize({ ...options, settings: { ...options.settings, ...added } });
    await cluster.start();
    return cluster;
  } catch (error) {
    await dismissGuard(guard, folder);
    throw error;
  }
}

/** A new empty database on the server that the whole run shares; gives its URL. */
export function createDatabase(name?: string): Promise<string> {
  return createDatabaseAt(sharedPostgresUrl(), name);
}

/** The URL of the server that the whole run shares, as superuser. */
export function sharedPostgresUrl(): string {
  const url = process.env[POSTGRES_URL_VARIABLE];
  if (!url) throw new Error(`${POSTGRES_URL_VARIABLE} is not set; run the tests with vitest, which starts the server`);
  return url;
}

function defaultVersion(): PostgresVersion {
  const text = process.env.SLUICE_TEST_POSTGRES_VERSION ?? '18';
  const version = text === 'debian' ? text : Number(text);
  if (version === 'debian' || version === 14 || version === 15 || version === 16 || version === 17 || version === 18) return version;
  throw new Error(`SLUICE_TEST_POSTGRES_VERSION is '${text}'; there are 14, 15, 16, 17, 18 and debian`);
}

async function createDatabaseAt(serverUrl: string, name = `t_${randomBytes(6).toString('hex')}`): Promise<string> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  const url = new URL(serverUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}

interface ClusterParts {
  readonly home: string;
  /** Of `home`, or of a copy that the account can reach. */
  readonly bin: string;
  readonly folder: string;
  readonly dataDir: string;
  readonly account: Account | undefined;
  readonly guard: ChildProcess;
  readonly keepTemplate: boolean;
}

class Cluster implements PostgresServer {
  readonly host = '127.0.0.1';
  readonly user = USER;
  readonly password = PASSWORD;
  port = 0;
  tls: TlsFiles | undefined;
  readonly #parts: ClusterParts;
  #postmaster: ChildProcess | undefined;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
  }

  get dataDir(): string {
    return this.#parts.dataDir;
  }

  get pid(): number | undefined {
    return hasEnded(this.#postmaster) ? undefined : this.#postmaster?.pid;
  }

  get url(): string {
    return `postgres://${USER}:${PASSWORD}@${this.host}:${this.port}/postgres`;
  }

  get psqlEnv(): Readonly<Record<string, string>> {
    return { PGHOST: this.host, PGPORT: String(this.port), PGUSER: USER, PGPASSWORD: PASSWORD, PGDATABASE: 'postgres' };
  }

  async initialize(options: PostgresOptions): Promise<void> {
    const { folder, dataDir, account } = this.#parts;
    await mkdir(dataDir, { recursive: true });
    await give(dataDir, account);
    if (!existsSync(join(dataDir, 'PG_VERSION'))) await this.#create();
    if (options.ssl) this.tls = await makeTlsFiles(folder, USER);
    await writeFile(join(dataDir, 'pg_hba.conf'), accessRules(options.ssl));
    await appendFile(join(dataDir, 'postgresql.conf'), configuration(options.settings, this.tls));
    if (this.tls !== undefined) {
      await chmod(this.tls.serverKey, 0o600);
      await give(join(folder, 'tls'), account);
    }
  }

  async #create(): Promise<void> {
    const { home, folder, dataDir, keepTemplate } = this.#parts;
    const [programs, template] = process.env[TEMPLATE_VARIABLE]?.split(':') ?? [];
    if (programs === home && template !== undefined) {
      await promisify(execFile)('cp', ['-a', `${template}/.`, dataDir]);
      return;
    }
    await this.#initdb();
    if (!keepTemplate) return;
    await promisify(execFile)('cp', ['-a', dataDir, join(folder, 'template')]);
    process.env[TEMPLATE_VARIABLE] = `${home}:${join(folder, 'template')}`;
  }

  async #initdb(): Promise<void> {
    const { bin, folder, dataDir, account } = this.#parts;
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, PASSWORD);
    await give(passwordFile, account);
    const cluster = ['-D', dataDir, '--username', USER, '--encoding=UTF8', '--locale=C', '--no-sync'];
    const access = ['--auth=scram-sha-256', '--pwfile', passwordFile];
    await promisify(execFile)(join(bin, 'initdb'), [...cluster, ...access], { cwd: folder, env: environment(), ...account });
  }

  /** Starts it, on the port that it had or on a free one; another program may take that in the meantime. */
  async start(): Promise<void> {
    const samePort = this.port !== 0;
    const deadline = Date.now() + START_LIMIT_MS;
    for (;;) {
      const logged = (await this.log()).length;
      if (!samePort) this.port = await freePort();
      if (await this.#launch(deadline)) return;
      const log = (await this.log()).slice(logged);
      // In use: the port, or after a SIGKILL the shared memory, until the last backend has noticed.
      const worthAnotherTry = /address already in use|still in use|could not bind/i.test(log);
      if (!worthAnotherTry || Date.now() > deadline) throw new Error(`PostgreSQL did not start:\n${log}`);
      await sleep(50);
    }
  }

  /** True once it accepts connections, false when it ended instead. */
  async #launch(deadline: number): Promise<boolean> {
    const { bin, folder, dataDir, account } = this.#parts;
    const log = await open(join(folder, 'log'), 'a');
    // Detached: a Ctrl-C in the terminal is for the tests, which may still need their server to clean up.
    const postmaster = spawn(join(bin, 'postgres'), ['-D', dataDir, '-p', String(this.port)], {
      cwd: folder,
      env: environment(),
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
      ...account,
    });
    this.#postmaster = postmaster;
    postmaster.unref();
    await once(postmaster, 'spawn');
    await log.close();
    while (!hasEnded(postmaster)) {
      // What pg_ctl looks at, too: the process id in line 1, the state in line 8.
      const lines = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
      if (Number(lines[0]) === postmaster.pid && lines[7]?.trim() === 'ready') return true;
      if (Date.now() > deadline) throw new Error(`PostgreSQL is not ready after ${START_LIMIT_MS / 1000} s:\n${await this.log()}`);
      await sleep(10);
    }
    return false;
  }

  createDatabase(name?: string): Promise<string> {
    return createDatabaseAt(this.url, name);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const postmaster = this.#postmaster;
    if (postmaster === undefined || hasEnded(postmaster)) return;
    const ends = signal === 'SIGKILL' || signal === 'SIGQUIT' || signal === 'SIGINT';
    const exit = ends ? once(postmaster, 'exit') : undefined;
    postmaster.kill(signal);
    await exit;
  }

  async restart(): Promise<void> {
    await this.#shutDown();
    await this.start();
  }

  async log(): Promise<string> {
    return readFile(join(this.#parts.folder, 'log'), 'utf8').catch(() => '');
  }

  async stop(): Promise<void> {
    await this.#shutDown();
    await dismissGuard(this.#parts.guard, this.#parts.folder);
  }

  /** Ends sessions and writes a checkpoint; where that takes too long (a stopped process, a full disk), without one. */
  async #shutDown(): Promise<void> {
    const patience = setTimeout(() => this.#postmaster?.kill('SIGKILL'), 10_000);
    await this.kill('SIGINT');
    clearTimeout(patience);
  }
}

function hasEnded(child: ChildProcess | undefined): boolean {
  return child === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** Passwords are always asked for, so that tests can use a wrong one. */
function accessRules(ssl: PostgresOptions['ssl']): string {
  const type = ssl === 'required' || ssl === 'client-certificate' ? 'hostssl' : 'host';
  const certificate = ssl === 'client-certificate' ? ' clientcert=verify-full' : '';
  return ['all', 'replication'].map((database) => `${type} ${database} all 127.0.0.1/32 scram-sha-256${certificate}\n`).join('');
}

function configuration(settings: Readonly<Record<string, string>> = {}, tls: TlsFiles | undefined): string {
  const all: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // Without fsync only a crash of the machine loses anything. synchronous_commit stays on: without it a SIGKILL of
    // the server loses committed rows, too.
    fsync: 'off',
    full_page_writes: 'off',
    ...(tls && { ssl: 'on', ssl_ca_file: tls.ca, ssl_cert_file: tls.serverCert, ssl_key_file: tls.serverKey }),
    ...settings,
  };
  return `\n${Object.entries(all).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`).join('')}`;
}

/** Without the PG* variables and the language of whoever runs the tests. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
