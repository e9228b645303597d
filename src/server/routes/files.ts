import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ServerContext } from '../context.ts';
import { listFiles } from '../contracts/files.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { FileAccess } from '../file-access.ts';
import type { Router } from '../http/router.ts';

interface Listed {
  readonly path: string;
  readonly name: string;
  readonly kind: 'file' | 'folder';
  readonly bytes: number | null;
  readonly modifiedAt: number | null;
}

const nameCursor = z.strictObject({ after: z.string().max(1000) });
const MOST_NAMES = 100_000;

export function bindFiles(router: Router, { files }: ServerContext): void {
  router.bind(listFiles, async ({ query: { path, cursor, limit } }) => {
    if (path === undefined) return { items: await described(files.folders, files), next: null };
    const folder = await files.existing(path);
    if (!(await stat(folder)).isDirectory()) throw new SluiceError('REQUEST_INVALID', { what: 'path is no folder' });
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.'));
    if (names.length > MOST_NAMES) throw new SluiceError('REQUEST_INVALID', { what: `the folder has more than ${MOST_NAMES} files` });
    const after = decodeCursor(cursor, nameCursor)?.after;
    const wanted = names.filter((name) => after === undefined || name > after).toSorted((left, right) => (left < right ? -1 : 1));
    const page = wanted.slice(0, limit);
    return { items: await described(page.map((name) => join(folder, name)), files), next: wanted.length > limit ? encodeCursor({ after: page.at(-1) }) : null };
  });
}

/** What leads out of the folders, or is neither file nor folder, is not there. */
async function described(paths: readonly string[], files: FileAccess): Promise<Listed[]> {
  const listed: Listed[] = [];
  for (const path of paths) {
    const found = await files.existing(path).then((real) => stat(real)).catch(() => undefined);
    if (found === undefined || (!found.isFile() && !found.isDirectory())) continue;
    const kind = found.isFile() ? 'file' : 'folder';
    listed.push({ path, name: basename(path), kind, bytes: kind === 'file' ? found.size : null, modifiedAt: Math.round(found.mtimeMs) });
  }
  return listed;
}
