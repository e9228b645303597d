import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseBackup, isManifestName } from '../../src/transfer/restore-folder.ts';

let root: string;
beforeEach(async () => { root = await mkdtemp(join(tmpdir(), 'sluice-backups-')); });
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(root, name, '..'), { recursive: true });
    await writeFile(join(root, name), text);
  }
}

const chosen = async (pick?: string): Promise<string[]> => (await chooseBackup(root, pick)).sources.map((path) => path.slice(root.length + 1));

describe('the backup in a folder', () => {
  it('is the folder itself when it has tables', async () => {
    await put({ 'users.json': '[]', 'orders.csv.gz': 'x', 'notes.md': 'x', '2026-11-21/users.json': '[]' });
    expect(await chosen()).toEqual(['orders.csv.gz', 'users.json']);
    expect((await chooseBackup(root, undefined)).notes).toEqual(['left out: notes.md (not a known format)']);
  });

  it('is the newest by the dates in the names', async () => {
    await put({ 'manifest.json': '{}', 'backup-2026-11-20/a.json': '[]', 'backup-2026-11-21_03-00/a.json': '[]', 'backup-2026-11-21_02-00/a.json': '[]', 'old/a.json': '[]', '2027-01-01/readme.md': 'x' });
    expect(await chosen()).toEqual(['backup-2026-11-21_03-00/a.json']);
    expect((await chooseBackup(root, undefined)).notes).toEqual(['backup: backup-2026-11-21_03-00 (the newest of 3, by the date in its name)']);
  });

  it.each([
    ['a file that is being written', { '2026-11-22/b.json.tmp': '' }, 'b.json.tmp'],
    ['a marker', { '2026-11-22/.incomplete': '' }, '.incomplete'],
    ['an empty file', { '2026-11-22/b.json': '' }, 'b.json is empty'],
    ['a file that its manifest lists', { '2026-11-22/manifest.json': '{"files":["a.json",{"file":"b.json"}]}' }, 'lists b.json'],
  ])('is complete: not with %s', async (_what, files, why) => {
    await put({ '2026-11-21/a.json': '[]', '2026-11-22/a.json': '[]', ...files });
    const { sources, notes } = await chooseBackup(root, undefined);
    expect(sources).toEqual([join(root, '2026-11-21/a.json')]);
    expect(notes[0]).toContain('passed over: 2026-11-22 is not complete');
    expect(notes[0]).toContain(why);
  });

  it('may have a table of lines without a line', async () => {
    await put({ '2026-11-21/a.ndjson': '' });
    expect(await chosen()).toEqual(['2026-11-21/a.ndjson']);
  });

  it('is not guessed', async () => {
    await put({ 'shop-2026-11-21/a.json': '[]', 'blog-2026-11-21/a.json': '[]' });
    await expect(chosen()).rejects.toMatchObject({ code: 'BACKUP_AMBIGUOUS', message: expect.stringContaining('blog-2026-11-21, shop-2026-11-21') });
    expect(await chosen('blog-2026-11-21')).toEqual(['blog-2026-11-21/a.json']);
    await expect(chosen('2026')).rejects.toMatchObject({ code: 'BACKUP_UNKNOWN', hint: expect.stringContaining('shop-2026-11-21') });
    await expect(chooseBackup(join(root, 'shop-2026-11-21/a.json'), 'x')).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('is the newest by the times of its files when no name has a date and they leave no doubt', async () => {
    await put({ 'first/a.json': '[]', 'first/b.json': '[]', 'second/a.json': '[]' });
    const set = async (name: string, seconds: number): Promise<void> => utimes(join(root, name), seconds, seconds);
    await set('first/a.json', 1000);
    await set('first/b.json', 1010);
    await set('second/a.json', 2000);
    expect(await chosen()).toEqual(['second/a.json']);
    await set('second/a.json', 1005);
    await expect(chosen()).rejects.toMatchObject({ code: 'BACKUP_AMBIGUOUS' });
  });

  it('must be there', async () => {
    await put({ 'notes.md': '', 'empty/notes.md': '' });
    await expect(chosen()).rejects.toMatchObject({ code: 'NO_FILES' });
  });

  it('knows files that describe', () => {
    expect(['manifest.json', 'metadata.json', '_meta.json', 'backup-info.json', 'Manifest.JSON.gz', 'dump_metadata.json'].every(isManifestName)).toBe(true);
    expect(['users.json', 'meta_tags.json', 'information.json', 'statuses.json'].some(isManifestName)).toBe(false);
  });
});
