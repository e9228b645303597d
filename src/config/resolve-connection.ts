import { isAbsolute, join, resolve } from 'node:path';
import { SluiceError } from '../errors/sluice-error.ts';
import type { LoadedConfiguration } from './configuration.ts';
import { interpolate } from './interpolate.ts';
import { redactText } from './redact.ts';

/** What a user means by a connection. */
export interface ResolvedConnection {
  /** With its secrets: for connectors only, never printed. */
  readonly url: string;
  /** Of `CONNECTION#schema.table`, percent-decoded. */
  readonly table?: string;
  /** What to ask for again later: the configured name, else the URL without its password and with an absolute path. */
  readonly reference: string;
}

export interface ConnectionScope {
  readonly configuration: LoadedConfiguration;
  readonly env: NodeJS.ProcessEnv;
  /** Absolute path of the workspace folder. */
  readonly workspace: string;
}

/** The word for the workspace's own database. */
export const EMBEDDED = 'duckdb';
const EMBEDDED_FILE = 'data.duckdb';

const SCHEME = /^[a-z][a-z0-9+.-]+:/i;
const DATABASE_FILE = /\.(?:duckdb|ddb|db)$/i;

/**
 * Understands `postgres://…`, `duckdb:FILE`, a named connection, the path of a DuckDB file (`.duckdb`, `.ddb`, `.db`) and the word `duckdb`,
 * each with an optional `#schema.table`. Looks at nothing on disk and connects to nothing.
 * @throws SluiceError CONNECTION_UNKNOWN, VARIABLE_UNSET, USAGE
 */
export function resolveConnection(text: string, scope: ConnectionScope): ResolvedConnection {
  const { base, table } = splitTable(text);
  const named = namedConnection(base, scope);
  if (named !== undefined) {
    const inner = splitTable(named);
    const wanted = table ?? inner.table;
    return { url: inner.base, reference: base, ...(wanted === undefined ? {} : { table: wanted }) };
  }
  const url = literalConnection(base, scope);
  return { url, reference: redactText(anchorFile(url, process.cwd())), ...(table === undefined ? {} : { table }) };
}

/** URL of the workspace's own DuckDB file. */
export function embeddedUrl(workspace: string): string {
  return `duckdb:${join(workspace, EMBEDDED_FILE)}`;
}

function namedConnection(name: string, scope: ConnectionScope): string | undefined {
  const { settings, folder } = scope.configuration;
  if (settings.connections === undefined || !Object.hasOwn(settings.connections, name)) return undefined;
  const url = interpolate(settings.connections[name], scope.env, `connections.${name}`);
  if (SCHEME.test(url)) return anchorFile(url, folder);
  if (url === EMBEDDED) return embeddedUrl(scope.workspace);
  if (DATABASE_FILE.test(splitTable(url).base)) return `duckdb:${resolve(folder, url)}`;
  throw new SluiceError('CONNECTION_UNKNOWN', { name: redactText(url) });
}

function literalConnection(text: string, scope: ConnectionScope): string {
  if (text === EMBEDDED || text === `${EMBEDDED}:`) return embeddedUrl(scope.workspace);
  if (SCHEME.test(text)) return text;
  if (DATABASE_FILE.test(text)) return `duckdb:${text}`;
  throw new SluiceError('CONNECTION_UNKNOWN', { name: redactText(text) });
}

/** A relative DuckDB file in a configuration is beside the configuration, wherever Sluice is started. */
function anchorFile(url: string, folder: string): string {
  const path = /^duckdb:(?!\/\/|:memory:)(.+)$/i.exec(url)?.[1];
  return path === undefined || isAbsolute(path) ? url : `duckdb:${resolve(folder, path)}`;
}

function splitTable(text: string): { base: string; table?: string } {
  const hash = text.indexOf('#');
  if (hash < 0) return { base: text };
  const fragment = text.slice(hash + 1);
  // `postgres://u:pa#ss@host/db`: what follows # would be taken for a table, and the password would be printed as one.
  if (SCHEME.test(text) && fragment.includes('@') && !text.slice(0, hash).includes('@')) {
    throw new SluiceError('USAGE', { what: 'The connection URL has a "#" before its host; write it as %23 in a user name or password' });
  }
  const table = decodeFragment(fragment);
  if (table === '') throw new SluiceError('USAGE', { what: `No table follows "#" in ${redactText(text)}` });
  return { base: text.slice(0, hash), table };
}

function decodeFragment(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch (error) {
    throw new SluiceError('USAGE', { what: `The table after "#" is not percent-encoded correctly: ${fragment}` }, {}, error);
  }
}
