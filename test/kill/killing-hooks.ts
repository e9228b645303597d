/**
 * Loaded into the process under test before its program (NODE_OPTIONS=--import): wraps the operations of the platform by which a run makes something durable on this machine, notes
 * them in a file, and ends the process by SIGKILL at a chosen one. The program itself has not a line about it.
 *
 *   SLUICE_KILL_NOTES   a file to which the kind of each operation is added, a line for each
 *   SLUICE_KILL_AT      a Moment as JSON
 */
import { appendFileSync } from 'node:fs';
import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { StatementSync } from 'node:sqlite';
import type { Moment } from './moment.ts';

const notes = process.env.SLUICE_KILL_NOTES;
const moment = process.env.SLUICE_KILL_AT === undefined ? undefined : JSON.parse(process.env.SLUICE_KILL_AT) as Moment;
const counts = new Map<string, number>();

function around<T>(label: string | undefined, operation: () => T): T {
  if (label === undefined) return operation();
  if (notes !== undefined) appendFileSync(notes, `${label}\n`);
  const nth = (counts.get(label) ?? 0) + 1;
  counts.set(label, nth);
  const isDue = moment?.label === label && moment.nth === nth;
  if (isDue && moment.when === 'before') die();
  const result = operation();
  if (!isDue) return result;
  if (result instanceof Promise) return result.then(die, die) as T;
  return die();
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  // Until the signal has come.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}

const STATEMENTS: readonly (readonly [string, RegExp])[] = [
  ['recording the run', /^\s*INSERT INTO runs/],
  ['recording the plan', /^\s*UPDATE runs SET plan/],
  ['recording the state', /^\s*UPDATE runs SET state/],
  ['recording the end', /^\s*UPDATE runs SET status = \?, ended_at/],
];
// oxlint-disable-next-line typescript/unbound-method -- called with its own `this`
const run = StatementSync.prototype.run as (...values: unknown[]) => unknown;
StatementSync.prototype.run = function hooked(this: StatementSync, ...values: unknown[]): never {
  return around(STATEMENTS.find(([, text]) => text.test(this.sourceSQL))?.[0], () => run.apply(this, values)) as never;
};

function fileLabel(verb: string, path: string): string | undefined {
  if (/\/quarantine\/.*\/segments(?:$|\/.+ndjson)/.test(path)) return `${verb} a segment of the quarantine`;
  if (/\/quarantine\/.*\/rows\.ndjson/.test(path)) return `${verb} the sealed quarantine`;
  if (/\/quarantine\/.*\/summary\.json/.test(path)) return `${verb} the summary of the quarantine`;
  return undefined;
}

const paths = new WeakMap<FileHandle, string>();
const probe = await fs.open(import.meta.filename);
const handles = Object.getPrototypeOf(probe) as { sync(): Promise<void> };
await probe.close();
// oxlint-disable-next-line typescript/unbound-method -- called with its own `this`
const { sync } = handles;
handles.sync = function hooked(this: FileHandle): Promise<void> {
  return around(fileLabel('syncing', paths.get(this) ?? ''), () => sync.call(this));
};
const { open, rename, rm, unlink } = fs;
Object.assign(fs, {
  open: async (...args: Parameters<typeof open>): Promise<FileHandle> => {
    const handle = await open(...args);
    const path = String(args[0]);
    if (path.endsWith('.partial')) paths.set(handle, path);
    return handle;
  },
  rename: (...args: Parameters<typeof rename>) => around(fileLabel('naming', String(args[1])), () => rename(...args)),
  rm: (...args: Parameters<typeof rm>) => around(fileLabel('removing', String(args[0])), () => rm(...args)),
  unlink: (...args: Parameters<typeof unlink>) => around(fileLabel('removing', String(args[0])), () => unlink(...args)),
});
syncBuiltinESMExports();

/** Only where the engine is used at all: it takes longer to load than all the rest. */
if (process.env.SLUICE_KILL_ENGINE === '1') {
  const { DuckDBConnection } = await import('@duckdb/node-api');
  // oxlint-disable-next-line typescript/unbound-method -- called with its own `this`
  const engineRun = DuckDBConnection.prototype.run;
  DuckDBConnection.prototype.run = function hooked(this: InstanceType<typeof DuckDBConnection>, ...args: Parameters<typeof engineRun>) {
    return around(engineLabel(args[0]), () => engineRun.apply(this, args));
  };
}

function engineLabel(sql: string): string | undefined {
  if (sql.startsWith('COMMIT')) return 'COMMIT of the engine';
  if (/^CREATE TABLE \S*_published"/.test(sql)) return 'entry of the publication';
  if (/^DROP TABLE IF EXISTS \S*_published"/.test(sql)) return 'dropping the entry';
  if (sql === 'CHECKPOINT') return 'CHECKPOINT';
  return undefined;
}
