/** What every storage must do (src/backup/storage/storage.ts). A storage passes when this suite does with it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObjectName, type Storage, type StoredObject } from '../../src/backup/storage/storage.ts';
import { collect } from '../helpers/collect.ts';
import { rejection } from '../io/support.ts';

export interface StorageUnderTest {
  readonly kind: string;
  /** Another way to the same objects each time it is called within a test; empty at the first. */
  readonly open: () => Promise<Storage>;
}

const bytes = (text: string): Uint8Array[] => [Buffer.from(text)];

async function listed(storage: Storage, prefix: string): Promise<StoredObject[]> {
  return (await collect(storage.list(prefix))).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export function storageSuite({ kind, open }: StorageUnderTest): void {
  describe(`storage: ${kind}`, () => {
    it('gives back what was put, whole and in ranges, also to others', async () => {
      const storage = await open();
      expect(await storage.putIfAbsent('a/b.json', [Buffer.from('hello '), Buffer.alloc(0), Buffer.from('world')])).toBe(true);
      const other = await open();
      for (const one of [storage, other]) {
        expect(String(await one.get('a/b.json'))).toBe('hello world');
        expect(String(await one.get('a/b.json', { start: 3, end: 8 }))).toBe('lo wo');
        expect(String(await one.get('a/b.json', { start: 6, end: 1000 }))).toBe('world');
        expect(await one.get('a/b.json', { start: 100, end: 200 })).toHaveLength(0);
        expect(await one.stat('a/b.json')).toMatchObject({ name: 'a/b.json', bytes: 11 });
      }
      await storage.flush();
    });

    it('says when an object was put', async () => {
      const storage = await open();
      const before = Date.now();
      await storage.putIfAbsent('a', bytes('x'));
      // A storage elsewhere has a clock of its own, and some keep whole seconds.
      expect(Math.abs((await storage.stat('a'))!.modifiedAt - before)).toBeLessThan(60_000);
    });

    it('has no object where none was put', async () => {
      const storage = await open();
      await storage.putIfAbsent('a/b', bytes('x'));
      for (const name of ['b', 'a', 'a/c', 'a/b/c']) {
        expect(await storage.get(name)).toBeUndefined();
        expect(await storage.stat(name)).toBeUndefined();
        await storage.delete(name);
      }
      expect(await listed(storage, 'c/')).toEqual([]);
      expect(String(await storage.get('a/b'))).toBe('x');
    });

    it('never overwrites', async () => {
      const storage = await open();
      expect(await storage.putIfAbsent('a', bytes('first'))).toBe(true);
      expect(await storage.putIfAbsent('a', bytes('second'))).toBe(false);
      expect(String(await storage.get('a'))).toBe('first');
      await storage.delete('a');
      expect(await storage.putIfAbsent('a', bytes('third'))).toBe(true);
      expect(String(await storage.get('a'))).toBe('third');
    });

    it('lets exactly one of many concurrent writers have a name, and readers see nothing or all', async () => {
      const storages = await Promise.all(Array.from({ length: 4 }, open));
      const size = 300_000;
      for (let round = 0; round < 5; round++) {
        const name = `race/${round}`;
        const reading = (async () => {
          for (;;) {
            const seen = await storages[0].get(name);
            if (seen !== undefined) return seen;
          }
        })();
        const won = await Promise.all(Array.from({ length: 12 }, (_, i) => storages[i % 4].putIfAbsent(name, [Buffer.alloc(size, i)])));
        expect(won.filter(Boolean)).toHaveLength(1);
        const winner = won.indexOf(true);
        expect((await reading).equals(Buffer.alloc(size, winner))).toBe(true);
        expect((await storages[1].get(name))!.equals(Buffer.alloc(size, winner))).toBe(true);
      }
    });

    it('puts many objects soon: itself sees them at once, others whole or not at all, and all of them after flush', async () => {
      const storage = await open(), other = await open();
      const content = Buffer.alloc(10_000);
      const puts: Promise<boolean>[] = [];
      for (let i = 0; i < 150; i++) {
        content.fill(i);
        puts.push((await storage.putSoon(`soon/${i}`, [content])).stored);
        const seen = await other.get(`soon/${i >> 1}`);
        if (seen !== undefined) expect(seen.equals(Buffer.alloc(10_000, i >> 1))).toBe(true);
      }
      expect((await storage.get('soon/149'))!.equals(Buffer.alloc(10_000, 149))).toBe(true);
      expect((await storage.stat('soon/148'))!.bytes).toBe(10_000);
      await storage.flush();
      expect(await listed(other, 'soon/')).toHaveLength(150);
      expect(await Promise.all(puts)).toEqual(Array.from({ length: 150 }, () => true));
      const again = await Promise.all([storage.putSoon('soon/0', bytes('another')), storage.putSoon('soon/new', bytes('x')), storage.putSoon('soon/new', bytes('y'))]);
      const [taken, ...rivals] = await Promise.all(again.map(({ stored }) => stored));
      expect(taken).toBe(false);
      expect(rivals.filter(Boolean)).toHaveLength(1);
      expect((await other.get('soon/0'))!.equals(Buffer.alloc(10_000, 0))).toBe(true);
      await storage.putSoon('soon/gone', bytes('x'));
      await storage.delete('soon/gone');
      expect(await other.get('soon/gone')).toBeUndefined();
    });

    it('lists by prefix, with sizes, however many there are', async () => {
      const storage = await open();
      const names = Array.from({ length: 300 }, (_, i) => `list/${(i % 7).toString(16)}/object-${i}`);
      await Promise.all(names.map((name, i) => storage.putIfAbsent(name, [Buffer.alloc(i)])));
      await storage.putIfAbsent('listing', bytes('a name that only begins alike'));
      expect((await listed(storage, 'list/')).map((one) => one.name)).toEqual(names.toSorted());
      expect((await listed(storage, 'list/3/')).every((one) => one.name.startsWith('list/3/') && one.bytes === Number(one.name.split('-')[1]))).toBe(true);
      expect(await listed(storage, '')).toHaveLength(301);
    });

    it('deletes, once or twice', async () => {
      const storage = await open();
      await storage.putIfAbsent('d/x', bytes('x'));
      await storage.delete('d/x');
      await storage.delete('d/x');
      await storage.flush();
      expect(await (await open()).get('d/x')).toBeUndefined();
      expect(await listed(storage, '')).toEqual([]);
    });

    it('takes objects of no byte and of 64 MiB', async () => {
      const storage = await open();
      await storage.putIfAbsent('empty', []);
      expect(await storage.get('empty')).toHaveLength(0);
      const piece = Buffer.alloc(1 << 20);
      for (let i = 0; i < piece.length; i += 4) piece.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i);
      await storage.putIfAbsent('big', Array.from({ length: 64 }, () => piece));
      expect((await storage.stat('big'))!.bytes).toBe(64 << 20);
      expect((await storage.get('big', { start: (63 << 20) + 5, end: (63 << 20) + 505 }))!.equals(piece.subarray(5, 505))).toBe(true);
      await storage.delete('big');
    });

    it('takes every name of the contract, and keeps names apart', async () => {
      const storage = await open();
      const segment = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/).filter((text) => text !== 'tmp');
      // One object may not be the folder of another: a file system cannot have that, and no name in a repository needs it.
      const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => `n${segments.length}/${segments.join('/')}`);
      await fc.assert(fc.asyncProperty(fc.uniqueArray(name, { maxLength: 5 }), async (names) => {
        for (const one of names) await storage.putIfAbsent(one, bytes(one));
        for (const one of names) expect(String(await storage.get(one))).toBe(one);
        for (const one of names) await storage.delete(one);
      }), { numRuns: 30 });
    });

    it.each(['', '/', '/etc/passwd', '../x', 'a/../../x', 'a/..', 'a//b', 'a/', './a', '.hidden', 'A', 'a b', 'a\0', 'a\n', 'a\\b', 'ä', '-rf', 'a/-x', 'c:x', 'x'.repeat(201)])('refuses the name %j', async (name) => {
      expect(isObjectName(name)).toBe(false);
      const storage = await open();
      expect((await rejection(storage.putIfAbsent(name, bytes('x')))).code).toBe('INTERNAL');
      expect((await rejection(storage.get(name))).code).toBe('INTERNAL');
      expect((await rejection(storage.stat(name))).code).toBe('INTERNAL');
      expect((await rejection(storage.delete(name))).code).toBe('INTERNAL');
      expect(await listed(await open(), '')).toEqual([]);
    });
  });
}
