import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FoundAhead } from '../../src/transfer/found-ahead.ts';
import type { FoundRecord } from '../../src/transfer/rejected-records.ts';

/** Answers by row, and notes what was asked. */
function source(rawBytes = 10): { asked: string[]; fetch: (table: string, part: number, records: readonly number[]) => AsyncGenerator<FoundRecord, void, undefined> } {
  const asked: string[] = [];
  return {
    asked,
    async *fetch(table, part, records) {
      asked.push(`${table} ${part}: ${records.join(' ')}`);
      for (const record of records) yield { place: { file: table, row: part * 100 + record }, raw: new Uint8Array(rawBytes) };
    },
  };
}

const rowsOf = (found: readonly FoundRecord[] | undefined): (number | undefined)[] | undefined => found?.map(({ place }) => place.row);

describe('rejected records are looked for ahead', () => {
  it('only when the sources are read no more, part by part, each record once and in order', async () => {
    const { asked, fetch } = source();
    const ahead = new FoundAhead(fetch);
    ahead.want('a', [{ part: 1, record: 9 }, { part: 0, record: 2 }, { part: 1, record: 3 }, { part: 1, record: 9 }]);
    await sleep(5);
    expect(asked).toEqual([]);
    ahead.begin();
    await sleep(5);
    ahead.want('b', [{ part: 0, record: 7 }]);
    await sleep(5);
    await ahead.stop();
    expect(asked).toEqual(['a 1: 3 9', 'a 0: 2', 'b 0: 7']);
    expect(rowsOf(ahead.get('a', 1, [3, 9]))).toEqual([103, 109]);
    expect(rowsOf(ahead.get('b', 0, [7]))).toEqual([7]);
    expect(ahead.get('a', 1, [3, 4])).toBeUndefined();
    expect(ahead.get('b', 1, [7])).toBeUndefined();
  });

  it('no more than a few, and no more than a little memory', async () => {
    const many = source();
    const ahead = new FoundAhead(many.fetch);
    ahead.begin();
    for (let part = 0; part < 1_000; part++) ahead.want('a', [{ part, record: 1 }]);
    await sleep(20);
    await ahead.stop();
    expect(many.asked.length).toBe(256);
    const large = source(400_000);
    const few = new FoundAhead(large.fetch);
    few.begin();
    few.want('a', [1, 2, 3, 4, 5].map((record) => ({ part: 0, record })));
    await sleep(5);
    await few.stop();
    expect(rowsOf(few.get('a', 0, [1, 2]))).toEqual([1, 2]);
    expect(few.get('a', 0, [1, 2, 3])).toBeUndefined();
  });

  it('and what fails then is left to be found later', async () => {
    const ahead = new FoundAhead(async function* broken() {
      yield { place: { row: 1 } };
      throw new Error('the source has gone');
    });
    ahead.begin();
    ahead.want('a', [{ part: 0, record: 1 }, { part: 0, record: 2 }]);
    await sleep(5);
    await ahead.stop();
    expect(rowsOf(ahead.get('a', 0, [1]))).toEqual([1]);
    expect(ahead.get('a', 0, [1, 2])).toBeUndefined();
  });
});
