import { describe, expect, it } from 'vitest';
import { EventChannel } from '../../src/jobs/event-channel.ts';
import type { ProgressEvent } from '../../src/progress/progress-event.ts';

const expected = { exact: false };
const started = (table: string): ProgressEvent => ({ type: 'table-started', table, expected, at: 1 });
const progress = (table: string, rows: number): ProgressEvent => ({ type: 'table-progress', table, rows, bytes: rows, expected, at: 2 });
const done = (table: string, rows: number): ProgressEvent => ({ type: 'table-done', table, rows, bytes: rows, at: 3 });
const ended: ProgressEvent = { type: 'run-ended', run: 'r', status: 'done', at: 4 };

async function all(channel: EventChannel): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of channel) seen.push('table' in event ? `${event.type} ${event.table}` : event.type);
  return seen;
}

describe('EventChannel', () => {
  it('keeps start and end of every table for a reader that comes late, and of the rest the newest', async () => {
    const channel = new EventChannel();
    channel.push({ type: 'run-started', run: 'r', job: 'import', at: 0 });
    for (const table of ['a', 'b']) {
      channel.push(started(table));
      for (let rows = 0; rows < 1_000; rows++) channel.push(progress(table, rows));
    }
    channel.push(done('a', 1_000));
    channel.push(ended);
    expect(await all(channel)).toEqual(['run-started', 'table-started a', 'table-started b', 'table-progress b', 'table-done a', 'run-ended']);
  });

  it('does not grow with time when nobody reads', () => {
    const channel = new EventChannel();
    channel.push(started('a'));
    const fill = (): number => {
      for (let i = 0; i < 10_000; i++) {
        channel.push(progress('a', i));
        channel.push({ type: 'resources', rssBytes: i, at: i });
        channel.push({ type: 'phase', phase: i % 2 === 0 ? 'moving' : 'publishing', at: i });
        channel.push({ type: 'note', message: `n${i}`, at: i });
      }
      return channel.size;
    };
    const first = fill();
    expect(first).toBeLessThan(250);
    expect(fill()).toBe(first);
  });

  it('hands over events as they come', async () => {
    const channel = new EventChannel();
    const reader = channel[Symbol.asyncIterator]();
    const waiting = reader.next();
    channel.push(progress('a', 7));
    expect((await waiting).value).toMatchObject({ rows: 7 });
    channel.push(progress('a', 8));
    channel.push(progress('a', 9));
    expect((await reader.next()).value).toMatchObject({ rows: 9 });
    channel.push(ended);
    expect((await reader.next()).value).toMatchObject({ type: 'run-ended' });
    expect((await reader.next()).done).toBe(true);
  });

  it('keeps nothing for a reader that left', async () => {
    const channel = new EventChannel();
    channel.push(started('a'));
    for await (const _ of channel) break;
    channel.push(started('b'));
    expect(channel.size).toBe(0);
    expect(await all(channel)).toEqual([]);
  });

  it('says nothing after the end', async () => {
    const channel = new EventChannel();
    channel.push(ended);
    channel.push(started('a'));
    expect(await all(channel)).toEqual(['run-ended']);
  });
});
