// PostgreSQL refuses to run as root. Where the tests run as root, its processes run as another account, which must
// then own the data directory and be able to reach everything on the way to it and to the programs.
import { chown, cp, lstat, readFile, readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, parse } from 'node:path';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** The account that PostgreSQL runs as, or undefined to run it as whoever runs the tests. */
export async function serverAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const entries = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  // Both have a passwd entry, which initdb asks for; `nobody` is everywhere.
  const entry = entries.find(([name]) => name === 'postgres') ?? entries.find(([name]) => name === 'nobody');
  if (entry === undefined) throw new Error('No account to run PostgreSQL as: neither postgres nor nobody is in /etc/passwd');
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/** The folder for temporary files, or another one where the account cannot reach that (a TMPDIR of root's own). */
export async function reachableTemporaryFolder(account: Account | undefined): Promise<string> {
  for (const folder of [tmpdir(), '/tmp', '/var/tmp']) {
    if (account === undefined || (await isReachable(folder))) return folder;
  }
  throw new Error('No temporary folder that the account of PostgreSQL can reach: /tmp and /var/tmp are closed to it');
}

/** The programs' folder, copied into `folder` where the account cannot reach it (a checkout in root's home). */
export async function reachablePrograms(home: string, folder: string, account: Account | undefined): Promise<string> {
  if (account === undefined || (await isReachable(join(home, 'bin')))) return home;
  const copy = join(folder, 'programs');
  await cp(home, copy, { recursive: true, verbatimSymlinks: true });
  await give(copy, account);
  return copy;
}

/** Makes the account the owner of the folder and all that is in it. */
export async function give(path: string, account: Account | undefined): Promise<void> {
  if (account === undefined) return;
  if ((await lstat(path)).isSymbolicLink()) return;
  await chown(path, account.uid, account.gid);
  if (!(await lstat(path)).isDirectory()) return;
  for (const name of await readdir(path)) await give(join(path, name), account);
}

/** Whether everyone may enter the folder and all those above it. */
export async function isReachable(folder: string): Promise<boolean> {
  for (let path = folder; ; path = dirname(path)) {
    const { mode } = await stat(path);
    if ((mode & 0o001) === 0) return false;
    if (path === parse(path).root) return true;
  }
}
