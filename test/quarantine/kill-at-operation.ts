/**
 * Loaded before a program (`node --import`): ends it by SIGKILL right before its nth operation on files, n in KILL_AT, without any chance to tidy up.
 * Reports the number of operations on descriptor 3 when it gets to its end.
 */
import promises from 'node:fs/promises';
import { writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { devNull } from 'node:os';

type Operation = (...args: unknown[]) => unknown;

const killAt = Number(process.env.KILL_AT ?? Infinity);
let operations = 0;

function wrap(owner: Record<string, Operation>, name: string): void {
  const original = owner[name];
  owner[name] = function counted(this: unknown, ...args: unknown[]) {
    operations++;
    if (operations === killAt) process.kill(process.pid, 'SIGKILL');
    return original.apply(this, args);
  };
}

const handle = await promises.open(devNull);
const prototype = Object.getPrototypeOf(handle) as Record<string, Operation>;
await handle.close();
for (const name of ['appendFile', 'writeFile', 'sync', 'datasync']) wrap(prototype, name);
for (const name of ['open', 'mkdir', 'rename', 'unlink', 'rm', 'chmod']) wrap(promises as unknown as Record<string, Operation>, name);
syncBuiltinESMExports();

process.on('exit', () => writeSync(3, String(operations)));
