/**
 * The schema, written by pg_dump in the snapshot of the data, once: the SQL for people comes out of the archive by pg_restore, which asks the server nothing. pg_dump gets everything about the connection by its environment: what stands in a command line can be read by every user of the machine.
 *
 * What it writes is made the same for the same schema, so that an unchanged schema is no new content: the archive has the moment of its creation in its head, and the SQL of newer versions a random key around it
 * (`\restrict`, which keeps names from being taken for commands of psql). The key is given instead; that it comes from the archive's hash keeps it unknown to whoever made the database.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readdir, realpath } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { hasSystemCode, SluiceError } from '../../errors/sluice-error.ts';
import { cancellationOf } from '../../io/cancellation.ts';
import type { SchemaDump } from '../backup-source.ts';
import type { ConnectionTarget } from './connection-target.ts';

export interface DumpProgram {
  readonly path: string;
  /** `16.4` */
  readonly versionText: string;
  readonly major: number;
  /** Has --restrict-key. */
  readonly takesKey: boolean;
  /** pg_restore of the same version; undefined where it is not beside it: then pg_dump writes all. */
  readonly restorePath?: string;
}

interface DumpContext {
  readonly target: ConnectionTarget;
  readonly snapshot: string;
  readonly isSqlAscii: boolean;
  /** What is left out, as options. */
  readonly leftOut: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

const VERSION_LIMIT_MS = 10_000;
const STDERR_BYTES = 4096;
const END_PATIENCE_MS = 1000;

/** What the snapshot shows and is not there any more: pg_dump asks the server for the text of views and functions, which looks at what is there now. Not translated. */
const GONE = /could not open relation with OID|cache lookup failed for|OID \d+ does not exist|could not find tuple|(?:statement|lock) timeout[^]*LOCK TABLE/;

/**
 * pg_dump locks tables that we have locked. Where somebody waits for one of them for himself, it waits behind him and he waits for us: it would never end. Somebody who waits for nobody is gone in that time; else everything
 * begins anew, and he comes first.
 */
const LOCK_WAIT_MS = 3000;

/** Where Debian and its kin keep the programs of each version. */
const VERSIONED_FOLDERS = '/usr/lib/postgresql';
const DEBIAN_SCRIPT = 'pg_wrapper';

/** The first minor version of each major one with --restrict-key; all from 18 on have it. */
const KEY_SINCE: Readonly<Record<number, number>> = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 };

/**
 * The named one, or the first that is new enough for the server: pg_dump reads servers up to its own version.
 * @throws SluiceError DUMP_PROGRAM_MISSING, DUMP_PROGRAM_TOO_OLD
 */
export async function findDumpProgram(serverVersion: number, named: string | undefined, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<DumpProgram> {
  const server = Math.floor(serverVersion / 10_000);
  const wanted = named ?? (env.PG_DUMP || undefined);
  let newest: DumpProgram | undefined;
  for (const path of wanted === undefined ? await usualPlaces(env, server) : [wanted]) {
    const program = await versionOf(path, signal);
    if (program !== undefined && program.major >= server) return withRestore(program, signal);
    if (program !== undefined && program.major > (newest?.major ?? 0)) newest = program;
  }
  if (newest === undefined) throw new SluiceError('DUMP_PROGRAM_MISSING', { where: wanted === undefined ? 'on PATH' : `as ${wanted}`, server });
  throw new SluiceError('DUMP_PROGRAM_TOO_OLD', { path: newest.path, version: newest.versionText, server });
}

/**
 * On PATH, then Debian's own, those first that are new enough by the least. What Debian has on PATH is a script that looks for a local cluster to choose a version by, which says nothing of the server that is meant; it
 * comes last.
 */
async function usualPlaces(env: NodeJS.ProcessEnv, server: number): Promise<string[]> {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  // Looked for first: an attempt to start what is not there costs a fork of this process.
  const found = await Promise.all(folders.map((folder) => realpath(join(folder, 'pg_dump')).then((real) => [{ path: join(folder, 'pg_dump'), isScript: basename(real) === DEBIAN_SCRIPT }], () => [])));
  const onPath = found.flat();
  const versions = (await readdir(VERSIONED_FOLDERS).catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  const inOrder = [...versions.filter((version) => version >= server).toSorted((a, b) => a - b), ...versions.filter((version) => version < server).toSorted((a, b) => b - a)];
  const pathsOf = (scripts: boolean): string[] => onPath.filter(({ isScript }) => isScript === scripts).map(({ path }) => path);
  return [...pathsOf(false), ...inOrder.map((version) => join(VERSIONED_FOLDERS, String(version), 'bin/pg_dump')), ...pathsOf(true)];
}

async function withRestore(program: DumpProgram, signal: AbortSignal): Promise<DumpProgram> {
  const restorePath = join(dirname(program.path), 'pg_restore');
  const beside = await versionOf(restorePath, signal, 'pg_restore');
  return beside?.versionText === program.versionText ? { ...program, restorePath } : program;
}

/** Undefined where there is no such program, or it says something else than its version. */
async function versionOf(path: string, signal: AbortSignal, name = 'pg_dump'): Promise<DumpProgram | undefined> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: VERSION_LIMIT_MS, signal });
    const match = stdout.startsWith(`${name} `) ? /^\S+ \(PostgreSQL\) ((\d+)(?:\.(\d+))?\S*)/.exec(stdout) : null;
    if (match === null) return undefined;
    const major = Number(match[2]), minor = Number(match[3] ?? 0);
    return { path, versionText: match[1], major, takesKey: major >= 18 || minor >= (KEY_SINCE[major] ?? Infinity) };
  } catch {
    if (signal.aborted) throw cancellationOf(signal);
    return undefined;
  }
}

export function dumpSchema(program: DumpProgram, context: DumpContext): SchemaDump {
  const { path, restorePath } = program;
  const common = ['--schema-only', '--no-password', `--lock-wait-timeout=${LOCK_WAIT_MS}`, `--snapshot=${context.snapshot}`, ...(context.isSqlAscii ? [] : ['--encoding=UTF8']), ...context.leftOut];
  return {
    archive: () => withoutCreationTime(run(path, ['--format=custom', '--compress=0', ...common], context)),
    plain: (section, seal, archive) => {
      const sectionOf = [`--section=${section}`, ...(program.takesKey ? [`--restrict-key=${seal}`] : [])];
      return restorePath === undefined ? run(path, ['--format=plain', ...sectionOf, ...common], context) : run(restorePath, ['--format=custom', '--file=-', ...sectionOf], context, archive());
    },
  };
}

/** What the program writes. @throws SluiceError SCHEMA_DUMP_FAILED with its own words, DUMP_PROGRAM_MISSING, CANCELLED */
async function* run(path: string, args: readonly string[], { target, env, signal }: DumpContext, input?: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  if (signal.aborted) throw cancellationOf(signal);
  const child = spawn(path, args, { env: environment(env, target), stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
  const ended = endOf(child);
  const given = input === undefined ? undefined : give(input, child.stdin!);
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  try {
    yield* child.stdout! as AsyncIterable<Uint8Array>;
    const failure = await ended;
    const notGiven = await given;
    if (signal.aborted) throw cancellationOf(signal);
    // Why it failed, if it did.
    if (notGiven !== undefined) throw notGiven.error;
    if (failure !== undefined) throw GONE.test(failure) ? new SluiceError('SCHEMA_CHANGED', { connection: target.name, reason: failure }) : new SluiceError('SCHEMA_DUMP_FAILED', { program: path, reason: failure });
  } finally {
    signal.removeEventListener('abort', stop);
    await endNow(child, ended);
  }
}

/** Undefined when all went in. A program that ends early says why by itself. */
async function give(input: AsyncIterable<Uint8Array>, stdin: NonNullable<ChildProcess['stdin']>): Promise<{ readonly error: unknown } | undefined> {
  try {
    await pipeline(Readable.from(input, { objectMode: false }), stdin);
    return undefined;
  } catch (error) {
    return hasSystemCode(error, 'EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE') ? undefined : { error };
  }
}

/** Undefined when it ended well, else what it said. */
function endOf(child: ChildProcess): Promise<string | undefined> {
  let said = '';
  child.stderr!.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-STDERR_BYTES)));
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(hasSystemCode(error, 'ENOENT', 'EACCES') ? 'it cannot be started' : error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? undefined : reasonOf(said) || (signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`)));
  });
}

/** `pg_dump: error: …` without the program's name, on one line. */
function reasonOf(said: string): string {
  return said.split('\n').filter((line) => line.trim() !== '').map((line) => line.replace(/^\S*pg_(?:dump|restore): (?:error: )?/, '').trim()).join('; ');
}

async function endNow(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.stdin?.destroy();
  child.stdout?.destroy();
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), END_PATIENCE_MS);
  await ended;
  clearTimeout(patience);
}

/** Nothing of the caller's own PG* variables, which the target has weighed already. */
function environment(env: NodeJS.ProcessEnv, target: ConnectionTarget): NodeJS.ProcessEnv {
  const { tlsFiles: tls } = target;
  const own = Object.entries(env).filter(([name]) => !name.startsWith('PG') && name !== 'LC_ALL' && name !== 'LANGUAGE');
  const given: Record<string, string | undefined> = {
    PGHOST: target.host, PGPORT: String(target.port), PGUSER: target.user, PGDATABASE: target.database, PGPASSWORD: target.password, PGOPTIONS: target.options,
    PGSSLMODE: target.sslMode, PGSSLROOTCERT: tls.rootCert, PGSSLCERT: tls.cert, PGSSLKEY: tls.key, PGSSLCRL: tls.crl, PGSSLMINPROTOCOLVERSION: tls.minVersion, PGSSLMAXPROTOCOLVERSION: tls.maxVersion,
    PGSSLNEGOTIATION: target.sslDirect ? 'direct' : undefined, PGCONNECT_TIMEOUT: String(target.timeoutSeconds), PGAPPNAME: target.applicationName,
    LC_MESSAGES: 'C',
  };
  return { ...Object.fromEntries(own), ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

/** Of an archive in custom format: its head up to the creation time. */
const MAGIC = Buffer.from('PGDMP');
const HEAD_BYTES = 64;
/** Seconds, minutes, hours, day, month, year since 1900, summer time: 1970-01-01. */
const NO_TIME = [0, 0, 0, 1, 0, 70, 0];

async function* withoutCreationTime(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const bytes of archive) {
    if (head === undefined) {
      yield bytes;
      continue;
    }
    head = Buffer.concat([head, bytes]);
    if (head.length < HEAD_BYTES) continue;
    clearTime(head);
    yield head;
    head = undefined;
  }
  if (head !== undefined) yield head;
}

/** After the magic: version (3 bytes), bytes of an integer and of an offset, the format; then the compression, since 1.15 a byte and before an integer. Integers have a sign byte before them. */
function clearTime(head: Buffer): void {
  if (!head.subarray(0, MAGIC.length).equals(MAGIC)) return;
  const minor = head[6], integerBytes = head[8];
  let at = 11 + (minor >= 15 ? 1 : 1 + integerBytes);
  for (const value of NO_TIME) {
    head.fill(0, at, at + 1 + integerBytes);
    head[at + 1] = value;
    at += 1 + integerBytes;
  }
}
