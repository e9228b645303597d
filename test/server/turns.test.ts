import { describe, expect, it } from 'vitest';
import { Turns } from '../../src/server/runs/turns.ts';

const never = new AbortController().signal;

describe('turns', () => {
  it('are taken by so many at once, in order, also after a failure, and not by who has left', async () => {
    const turns = new Turns(2, 3);
    const order: string[] = [];
    let most = 0;
    let underway = 0;
    const work = (name: string) => async (): Promise<void> => {
      most = Math.max(most, ++underway);
      order.push(name);
      await new Promise((resolve) => { setTimeout(resolve, 5); });
      underway--;
      if (name === 'b') throw new Error(name);
    };
    const leaving = new AbortController();
    const [a, b, c, left, d] = [turns.take(never, work('a')), turns.take(never, work('b')), turns.take(never, work('c')), turns.take(leaving.signal, work('left')), turns.take(never, work('d'))];
    await expect(turns.take(never, work('e'))).rejects.toMatchObject({ code: 'SERVER_BUSY' });
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(b).rejects.toThrow('b');
    await Promise.all([a, c, d]);
    await turns.take(never, work('f'));
    expect([order, most, underway]).toEqual([['a', 'b', 'c', 'd', 'f'], 2, 0]);
  });
});
