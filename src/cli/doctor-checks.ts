/**
 * What `sluice doctor` looks at. A check never throws: what goes wrong is its result. Nothing is changed outside of the workspace and a
 * temporary folder that is removed again.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { redactText } from '../config/redact.ts';
import { connectorFor } from '../connectors/registry.ts';
import { toSluiceError } from '../errors/sluice-error.ts';
import { defaultEngineMemoryBytes, defaultJobs, thisMachine } from '../jobs/hardware.ts';
import { RunStore } from '../jobs/run-store.ts';
import { formatBytes } from './output/quantities.ts';

const run = promisify(execFile);

export interface Check {
  readonly name: string;
  /** `warning`: something works less well or not at all, but no table is in danger. */
  readonly status: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  readonly hint?: string;
}

const NEEDED_NODE = 24;
const LOW_DISK_BYTES = 1e9;
const COMMAND_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 15_000;

export async function checkMachine(workspace: string): Promise<Check[]> {
  return [checkNode(), checkHardware(), checkCompression(), checkTls(), await checkWorkspace(workspace), await checkDisk('disk of the workspace', workspace),
    await checkDisk('disk for temporary files', tmpdir()), await checkFifo(), await checkDuckdb(), await checkPgDump()];
}

function checkNode(): Check {
  const name = 'Node.js';
  const detail = process.version;
  if (Number(process.versions.node.split('.')[0]) >= NEEDED_NODE) return { name, status: 'ok', detail };
  return { name, status: 'failed', detail, hint: `Node.js ${NEEDED_NODE} or newer is needed.` };
}

function checkHardware(): Check {
  const machine = thisMachine();
  const detail = `${machine.cores} cores, ${formatBytes(machine.memoryBytes)} memory: ${defaultJobs(machine)} jobs, ${formatBytes(defaultEngineMemoryBytes(machine))} for the engine`;
  return { name: 'hardware', status: 'ok', detail };
}

function checkCompression(): Check {
  const zstd = typeof zlib.createZstdCompress === 'function';
  if (zstd) return { name: 'compression', status: 'ok', detail: 'gzip and zstd' };
  return { name: 'compression', status: 'failed', detail: 'gzip only', hint: 'This Node.js was built without zstd.' };
}

function checkTls(): Check {
  const { openssl } = process.versions;
  if (openssl !== undefined) return { name: 'TLS', status: 'ok', detail: `OpenSSL ${openssl}` };
  return { name: 'TLS', status: 'failed', detail: 'not available', hint: 'This Node.js was built without OpenSSL.' };
}

async function checkWorkspace(folder: string): Promise<Check> {
  try {
    const store = await RunStore.open(folder);
    const runs = store.list(1).length;
    store.close();
    return { name: 'workspace', status: 'ok', detail: `${folder}${runs === 0 ? ', no runs yet' : ''}` };
  } catch (error) {
    return failure('workspace', error);
  }
}

async function checkDisk(name: string, folder: string): Promise<Check> {
  try {
    const { bavail, bsize } = await statfs(await existingFolder(folder));
    const free = bavail * bsize;
    const detail = `${formatBytes(free)} free`;
    return free >= LOW_DISK_BYTES ? { name, status: 'ok', detail } : { name, status: 'warning', detail, hint: 'Sorting, staging and exports need space.' };
  } catch (error) {
    return failure(name, error);
  }
}

async function existingFolder(folder: string): Promise<string> {
  const exists = await stat(folder).then(() => true, () => false);
  return exists || dirname(folder) === folder ? folder : existingFolder(dirname(folder));
}

/** Named pipes carry rows into the embedded engine where it reads them itself. */
async function checkFifo(): Promise<Check> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-doctor-')).catch(() => undefined);
  try {
    if (folder === undefined) throw new Error(`cannot write in ${tmpdir()}`);
    await run('mkfifo', [join(folder, 'pipe')], { timeout: COMMAND_TIMEOUT_MS });
    return { name: 'named pipes', status: 'ok', detail: 'mkfifo works' };
  } catch (error) {
    return { name: 'named pipes', status: 'warning', detail: `mkfifo: ${shortReason(error)}`, hint: 'Loading into DuckDB is slower without named pipes.' };
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function checkDuckdb(): Promise<Check> {
  try {
    const { version } = await import('@duckdb/node-api');
    return { name: 'DuckDB', status: 'ok', detail: version() };
  } catch (error) {
    return { name: 'DuckDB', status: 'failed', detail: shortReason(error), hint: 'Its native module does not load here: install the packages again on this machine.' };
  }
}

async function checkPgDump(): Promise<Check> {
  try {
    const { stdout } = await run('pg_dump', ['--version'], { timeout: COMMAND_TIMEOUT_MS });
    return { name: 'pg_dump', status: 'ok', detail: stdout.trim() };
  } catch {
    return { name: 'pg_dump', status: 'warning', detail: 'not found', hint: 'Needed only for complete PostgreSQL schemas (functions, views, privileges).' };
  }
}

/** Connects, reads the catalog and says what is there. @param name as the user knows it */
export async function checkConnection(name: string, url: string, env: NodeJS.ProcessEnv): Promise<Check> {
  const label = `connection ${redactText(name)}`;
  try {
    const connector = await connectorFor(url);
    const connection = await connector.connect(url, {
      signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS), jobs: 1, engineMemoryBytes: defaultEngineMemoryBytes(thisMachine()),
      applicationName: 'sluice doctor', create: false, env,
    });
    try {
      const tables = await connection.listTables();
      return { name: label, status: 'ok', detail: `${connection.name}, version ${connection.serverVersion}, ${tables.length === 1 ? '1 table' : `${tables.length} tables`}` };
    } finally {
      await connection.close();
    }
  } catch (error) {
    return failure(label, error);
  }
}

export function failure(name: string, thrown: unknown): Check {
  const error = toSluiceError(thrown);
  return { name, status: 'failed', detail: `${redactText(error.message)} (${error.code})`, hint: error.hint };
}

function shortReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? 'not found' : message.split('\n', 1)[0];
}
