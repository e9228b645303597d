/**
 * Which files of this machine requests may name: those below the folders that the server was started with, by their real paths. Links are followed before anything is compared, and a
 * path leaves here resolved, so that what is opened is what was checked. Only regular files and folders count: a pipe or a device would block or never end.
 */
import { lstat, readdir, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { hasSystemCode, SluiceError } from '../errors/sluice-error.ts';
import { isUrl } from '../io/names.ts';

/** A backup is a folder, or a folder of such folders. */
const DEEPEST = 4;
const MOST_ENTRIES = 20_000;

export class FileAccess {
  /** Real paths. */
  readonly folders: readonly string[];

  private constructor(folders: readonly string[]) {
    this.folders = folders;
  }

  /** @throws SluiceError USAGE for what is no folder */
  static async of(folders: readonly string[], cwd: string): Promise<FileAccess> {
    const real: string[] = [];
    for (const folder of folders) {
      const path = await realpath(resolve(cwd, folder)).catch(() => undefined);
      if (path === undefined || !(await lstat(path)).isDirectory()) throw new SluiceError('USAGE', { what: `--files: there is no folder ${folder}` });
      real.push(path);
    }
    return new FileAccess(real);
  }

  /** The real path of a file or folder that is there; of a folder, with everything in it. @throws SluiceError PATH_REFUSED, SOURCE_NOT_FOUND */
  async forReading(path: string): Promise<string> {
    const real = await this.existing(path);
    await this.#checkKind(real, path, 0, { seen: 0 });
    return real;
  }

  /** The real path of something that is there; what is in a folder is not looked at. @throws SluiceError PATH_REFUSED, SOURCE_NOT_FOUND */
  async existing(path: string): Promise<string> {
    const wanted = this.#absolute(path);
    const real = await realpath(wanted).catch((error: unknown) => {
      // What is not there is told only of places that may be looked at.
      if (hasSystemCode(error, 'ENOENT', 'ENOTDIR') && this.#isBelow(wanted)) throw new SluiceError('SOURCE_NOT_FOUND', { path }, { file: path });
      throw refused(path);
    });
    if (!this.#isBelow(real)) throw refused(path);
    return real;
  }

  /** Where a file or folder may be written: its folder is there, and it is itself no link that leads elsewhere. A slash at the end stays. @throws SluiceError PATH_REFUSED, SOURCE_NOT_FOUND */
  async forWriting(path: string): Promise<string> {
    const wanted = this.#absolute(path);
    const folder = await this.existing(dirname(wanted));
    const real = join(folder, basename(wanted));
    const found = await lstat(real).catch((error: unknown) => {
      // No file can have such a name: that is the request's fault, not the disk's.
      if (hasSystemCode(error, 'ENAMETOOLONG')) throw refused(path);
      return undefined;
    });
    if (found !== undefined && !found.isFile() && !found.isDirectory()) throw refused(path);
    if (!this.#isBelow(real)) throw refused(path);
    return path.endsWith('/') ? `${real}/` : real;
  }

  #absolute(path: string): string {
    if (path.includes('\0') || isUrl(path) || this.folders.length === 0) throw refused(path);
    return isAbsolute(path) ? resolve(path) : resolve(this.folders[0], path);
  }

  #isBelow(path: string): boolean {
    return this.folders.some((folder) => {
      const way = relative(folder, path);
      return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
    });
  }

  async #checkKind(real: string, said: string, depth: number, walk: { seen: number }): Promise<void> {
    const found = await lstat(real);
    if (found.isFile()) return;
    if (!found.isDirectory()) throw refused(said);
    if (depth >= DEEPEST) return;
    for (const entry of await readdir(real, { withFileTypes: true })) {
      if (++walk.seen > MOST_ENTRIES) throw new SluiceError('REQUEST_INVALID', { what: `${said} has more than ${MOST_ENTRIES} files` });
      const path = join(real, entry.name);
      if (entry.isSymbolicLink()) {
        const target = await realpath(path).catch(() => undefined);
        if (target === undefined || !this.#isBelow(target)) throw refused(join(said, entry.name));
      } else if (entry.isDirectory()) {
        await this.#checkKind(path, join(said, entry.name), depth + 1, walk);
      } else if (!entry.isFile()) {
        throw refused(join(said, entry.name));
      }
    }
  }
}

function refused(path: string): SluiceError {
  return new SluiceError('PATH_REFUSED', { path: path.replaceAll('\0', '') }, {});
}
