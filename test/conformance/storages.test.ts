import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalStorage } from '../../src/backup/storage/local-storage.ts';
import { mountSmallDisk, noSmallDisk } from '../faults/small-disk.ts';
import { rejection, temporaryFolder } from '../io/support.ts';
import { collect } from '../helpers/collect.ts';
import { storageSuite } from './storage-suite.ts';

let root: string;
beforeEach(async () => {
  root = join(await temporaryFolder(), 'repository');
});

storageSuite({ kind: 'local folder', open: () => LocalStorage.create(root) });

describe('storage: local folder, on disk', () => {
  it('is private to its owner', async () => {
    const storage = await LocalStorage.create(root);
    await storage.putIfAbsent('a/b/c', [Buffer.from('x')]);
    for (const path of ['', 'a', 'a/b', 'tmp']) expect(statSync(join(root, path)).mode & 0o777).toBe(0o700);
    expect(statSync(join(root, 'a/b/c')).mode & 0o777).toBe(0o600);
  });

  it('opens what is there only, and makes no folder above it', async () => {
    expect(await LocalStorage.open(root)).toBeUndefined();
    expect((await rejection(LocalStorage.create(join(root, 'deeper')))).code).toBe('TARGET_UNWRITABLE');
    writeFileSync(root, 'a file');
    expect(await LocalStorage.open(root)).toBeUndefined();
    expect((await rejection(LocalStorage.create(root))).code).toBe('TARGET_UNWRITABLE');
  });

  it('does not make its folder anew when it goes away, as that of a disk that is unmounted', async () => {
    const storage = await LocalStorage.create(root);
    rmSync(root, { recursive: true });
    expect((await rejection(storage.putIfAbsent('a/b', []))).code).toBe('TARGET_UNWRITABLE');
    expect(existsSync(root)).toBe(false);
  });

  it('neither lists nor keeps what killed puts have left, and lists no stranger', async () => {
    const storage = await LocalStorage.create(root);
    await storage.putIfAbsent('a', [Buffer.from('x')]);
    mkdirSync(join(root, 'b'));
    writeFileSync(join(root, '.DS_Store'), '');
    writeFileSync(join(root, 'b', 'Notes of somebody.txt'), '');
    writeFileSync(join(root, 'tmp', 'old'), 'half');
    writeFileSync(join(root, 'tmp', 'new'), 'half');
    utimesSync(join(root, 'tmp', 'old'), 1, 1);
    expect((await collect(storage.list(''))).map((one) => one.name)).toEqual(['a']);
    expect(await storage.removeLeftovers(60_000)).toBe(1);
    expect(readdirSync(join(root, 'tmp'))).toEqual(['new']);
  });

  it('cannot be used to reach its own unfinished files', async () => {
    const storage = await LocalStorage.create(root);
    for (const name of ['tmp', 'tmp/x']) expect((await rejection(storage.putIfAbsent(name, []))).code).toBe('INTERNAL');
  });

  it('works through a symbolic link to its folder', async () => {
    const storage = await LocalStorage.create(root);
    await storage.putIfAbsent('a', [Buffer.from('x')]);
    symlinkSync(root, `${root}-link`);
    expect(String(await (await LocalStorage.open(`${root}-link`))!.get('a'))).toBe('x');
    rmSync(`${root}-link`);
  });

  it('a full disk is a coded error and leaves nothing', async ({ skip }) => {
    const reason = noSmallDisk();
    skip(reason !== undefined, reason);
    const disk = mountSmallDisk('600k');
    try {
      const storage = await LocalStorage.create(join(disk.path, 'repository'));
      await storage.putIfAbsent('small', [Buffer.alloc(1000, 1)]);
      const error = await rejection(storage.putIfAbsent('large', [Buffer.alloc(2_000_000, 2)]));
      expect(error.code).toBe('DISK_FULL');
      expect(await storage.get('large')).toBeUndefined();
      expect(readdirSync(join(disk.path, 'repository', 'tmp'))).toEqual([]);
      // What was freed can be used again.
      expect(await storage.putIfAbsent('middle', [Buffer.alloc(300_000, 3)])).toBe(true);
      expect(readFileSync(join(disk.path, 'repository', 'small'))).toHaveLength(1000);
    } finally {
      disk.remove();
    }
  });
});
