import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { OneByOne } from '../../src/backup/storage/one-by-one.ts';

describe('work in the background', () => {
  it('is done one piece after the other, in order, and no more waits than may', async () => {
    const work = new OneByOne(3);
    const done: number[] = [];
    let now = 0, most = 0, waiting = 0;
    for (let i = 0; i < 10; i++) {
      await work.room();
      waiting++;
      most = Math.max(most, waiting);
      void work.add(String(i), async () => {
        expect(now++).toBe(0);
        await sleep(1);
        now--;
        done.push(i);
        waiting--;
      }, async () => undefined);
    }
    await work.settled('8');
    expect(done.includes(8)).toBe(true);
    await work.all();
    expect(done).toEqual(Array.from({ length: 10 }, (_, i) => i));
    expect(most).toBeLessThanOrEqual(4);
  });

  it('ends with the first failure, which everybody is told who comes later', async () => {
    const work = new OneByOne(2);
    const begun: string[] = [];
    const first = work.add('a', async () => { begun.push('a'); await sleep(1); throw new Error('the disk is full'); }, async () => undefined);
    const second = work.add('b', async () => { begun.push('b'); }, async () => { begun.push('instead of b'); });
    second.catch(() => undefined);
    await expect(first).rejects.toThrow('the disk is full');
    await expect(second).rejects.toThrow('the disk is full');
    await expect(work.room()).rejects.toThrow('the disk is full');
    await expect(work.all()).rejects.toThrow('the disk is full');
    await work.settled('b');
    expect(begun).toEqual(['a', 'instead of b']);
  });
});
