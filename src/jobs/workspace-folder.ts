import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError, hasSystemCode } from '../errors/sluice-error.ts';

/**
 * Makes the workspace folder when it is absent: readable by its owner only, and ignored by git, because it holds data. A folder that is
 * already there keeps its permissions (SLUICE_HOME may name any folder); the files that Sluice puts into it are private in any case.
 * @throws SluiceError WORKSPACE_UNUSABLE
 */
export function ensureWorkspace(folder: string): void {
  try {
    if (existsSync(folder)) {
      if (!statSync(folder).isDirectory()) throw unusable(folder, 'it is not a folder');
      return;
    }
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, '.gitignore'), '*\n', { mode: 0o600 });
  } catch (error) {
    throw error instanceof SluiceError ? error : unusable(folder, reasonOf(error), error);
  }
}

/** Creates an empty file with mode 0600, or takes the rights of group and others from one that is there. */
export function ensurePrivateFile(path: string): void {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  if (mode === undefined) closeSync(openSync(path, 'a', 0o600));
  else if ((mode & 0o077) !== 0) chmodSync(path, 0o600);
}

export function unusable(folder: string, reason: string, cause?: unknown): SluiceError {
  return new SluiceError('WORKSPACE_UNUSABLE', { path: folder, reason }, {}, cause);
}

/** Why the system refused, in words where it is a usual reason. */
export function reasonOf(error: unknown): string {
  if (hasSystemCode(error, 'EACCES', 'EPERM')) return 'permission denied';
  if (hasSystemCode(error, 'EROFS')) return 'the file system is read-only';
  if (hasSystemCode(error, 'ENOSPC', 'EDQUOT')) return 'no space left on the disk';
  if (hasSystemCode(error, 'EEXIST', 'ENOTDIR')) return 'a part of its path is a file';
  return error instanceof Error ? error.message : String(error);
}
