/**
 * Writes a backup into the repository of the first argument, and ends itself by SIGKILL at the nth operation by which the platform makes something durable or removes it: before it, or after it
 * (SLUICE_KILL_AT, SLUICE_KILL_WHEN). Without a moment it prints how many operations there are.
 */
import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const moment = Number(process.env.SLUICE_KILL_AT ?? 0);
const isAfter = process.env.SLUICE_KILL_WHEN === 'after';
let operations = 0;

async function around<T>(operation: () => Promise<T>): Promise<T> {
  const isDue = ++operations === moment;
  if (isDue && !isAfter) process.kill(process.pid, 'SIGKILL');
  try {
    return await operation();
  } finally {
    if (isDue && isAfter) process.kill(process.pid, 'SIGKILL');
  }
}

const probe = await fs.open(import.meta.filename);
const handles = Object.getPrototypeOf(probe) as FileHandle;
await probe.close();
// oxlint-disable-next-line typescript/unbound-method -- called with its own `this`
const { sync, writeFile } = handles;
handles.sync = function hooked(this: FileHandle) {
  return around(() => sync.call(this));
};
handles.writeFile = function hooked(this: FileHandle, ...args: Parameters<typeof writeFile>) {
  return around(() => writeFile.apply(this, args));
};
const { link, mkdir, open, rm, unlink } = fs;
Object.assign(fs, {
  link: (...args: Parameters<typeof link>) => around(() => link(...args)),
  mkdir: (...args: Parameters<typeof mkdir>) => around(() => mkdir(...args)),
  open: (...args: Parameters<typeof open>) => (args[1] === 'r' ? open(...args) : around(() => open(...args))),
  rm: (...args: Parameters<typeof rm>) => around(() => rm(...args)),
  unlink: (...args: Parameters<typeof unlink>) => around(() => unlink(...args)),
});
syncBuiltinESMExports();

// After the hooks are in place.
const { lines, openOrCreate, writeBackup } = await import('./support.ts');
await writeBackup(await openOrCreate(process.argv[2]), { cities: [lines('1\tRome', '2\tOslo'), lines('3\tLima')] });
process.stdout.write(String(operations));
