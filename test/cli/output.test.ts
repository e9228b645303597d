import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { errorLines, placeText } from '../../src/cli/output/error-text.ts';
import { planLines } from '../../src/cli/output/plan-text.ts';
import { formatBytes, formatCount, formatRemaining, formatSeconds } from '../../src/cli/output/quantities.ts';
import { receiptLines } from '../../src/cli/output/receipt-text.ts';
import { alignColumns, displayWidth, printable, printableLine, truncate } from '../../src/cli/output/text.ts';
import { openProgress } from '../../src/cli/output/text-progress.ts';
import { SluiceError } from '../../src/errors/sluice-error.ts';
import { makeReceipt, reportError } from '../../src/jobs/receipt.ts';
import type { TransferPlan } from '../../src/pipeline/transfer.ts';

const PLAN: TransferPlan = {
  version: 1, job: 'import', from: 'data/', to: 'postgres://me@h/d', jobs: 2, notes: ['left out: a.zip'],
  tables: [{
    name: 'public.cities', from: ['data/cities.csv'], format: 'csv', details: { delimiter: ';', header: true }, encoding: 'csv', mode: 'append', creates: true,
    publication: 'direct', columns: [{ name: 'id', type: 'integer' }, { name: 'full_name', type: 'text', source: 'fullName' }],
    parts: { rule: 'record-aligned byte ranges', bytes: 8_388_608 }, expected: { bytes: 12_345_678 }, statements: ['CREATE TABLE "public"."cities" (\n  "id" integer\n)'],
  }],
};

describe('quantities', () => {
  it('are as people read them', () => {
    expect([0, 999, 1000, 1234567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567']);
    expect([0, 999, 1000, 999_949, 999_950, 45_100_000, 2e15].map(formatBytes)).toEqual(['0 bytes', '999 bytes', '1.0 kB', '999.9 kB', '1.0 MB', '45.1 MB', '2.0 PB']);
    expect([0.0421, 3.21, 59.96, 250, 7500].map(formatSeconds)).toEqual(['0.042 s', '3.2 s', '1 min 0 s', '4 min 10 s', '2 h 5 min']);
    expect([0.2, 8.4, 99, 250, 7500].map(formatRemaining)).toEqual(['1 s', '8 s', '99 s', '4 min', '2 h 5 min']);
  });
});

describe('text', () => {
  it('shows control characters instead of obeying them', () => {
    expect(printable('a\u001b[31mb\u0007\r\tc\nd\u202ee\u009b')).toBe('a\\x1b[31mb\\x07\\x0d\\tc\nd\\u202ee\\x9b');
    expect(printableLine('a\nb')).toBe('a b');
  });

  it('never becomes wider than asked', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, width) => {
      expect(displayWidth(truncate(text, width))).toBeLessThanOrEqual(width);
    }));
    expect(truncate('日本語テーブル', 7)).toBe('日本語…');
    expect(truncate('short', 5)).toBe('short');
  });

  it('aligns by width', () => {
    expect(alignColumns([['名', '1'], ['abc', '22']], 'lr')).toEqual(['名    1', 'abc  22']);
  });
});

describe('errors', () => {
  it('say what, where, what to do, and the code', () => {
    const error = new SluiceError('CSV_MALFORMED', { source: 'a.csv', reason: 'quote' }, { file: 'a.csv', line: 12, row: 11, byte: 4800, column: 'x', table: 't' });
    expect(errorLines(reportError(error))).toEqual([
      'error: Malformed CSV in a.csv: quote',
      '  at: a.csv:12, row 11, byte 4,800, column "x", table t',
      '  hint: Correct the record, or say the dialect with --delimiter, --quote, --escape.',
      '  code: CSV_MALFORMED',
    ]);
    expect(placeText({})).toBe('');
    expect(placeText({ line: 3 })).toBe('line 3');
  });

  it('have no secret and no escape sequence of the server', () => {
    const lines = errorLines(reportError(new SluiceError('DATABASE_ERROR', { connection: 'postgres://a:topsecret@h/d', reason: '\u001b[2J' }))).join('\n');
    expect(lines).not.toContain('topsecret');
    expect(lines).not.toContain('\u001b');
  });
});

describe('receipts', () => {
  const table = { name: 'public.a', read: 1_000, written: 990, rejected: 5, duplicate: 3, skipped: 2, bytes: 50_000 };

  it('are tables with totals', () => {
    const lines = receiptLines(makeReceipt({ run: 'r1', job: 'import', status: 'done', seconds: 2, tables: [table, { ...table, name: 'b' }], warnings: ['look'] }));
    expect(lines[0]).toBe('table      read  written  rejected  duplicate  skipped      size');
    expect(lines[1]).toBe('public.a  1,000      990         5          3        2   50.0 kB');
    expect(lines[3]).toBe('total     2,000    1,980        10          6        4  100.0 kB');
    expect(lines[4]).toMatch(/^import done in 2\.0 s, 1,000 rows\/s, 50\.0 kB\/s, peak memory [\d.]+ MB, run r1$/);
    expect(lines[5]).toBe('warning: look');
  });

  it('of one table need no total, of very many show the first', () => {
    expect(receiptLines(makeReceipt({ run: 'r', job: 'copy', status: 'done', seconds: 1, tables: [table] }))).toHaveLength(3);
    const many = receiptLines(makeReceipt({ run: 'r', job: 'copy', status: 'done', seconds: 1, tables: Array.from({ length: 500 }, () => table) }));
    expect(many).toHaveLength(204);
    expect(many.at(-3)).toBe('… and 300 more tables');
    expect(many.at(-2)).toMatch(/^total/);
  });
});

describe('plans', () => {
  it('say everything that will happen', () => {
    expect(planLines(PLAN)).toEqual([
      'plan: import from data/ to postgres://me@h/d, 1 table, 2 jobs',
      '',
      'table public.cities (created)',
      '  from      data/cities.csv (csv, delimiter ";", header true)',
      '  expected  12.3 MB',
      '  lane      csv, published: direct',
      '  parts     record-aligned byte ranges, about 8.4 MB each',
      '  columns   id integer, full_name text from fullName',
      '  statements',
      '    CREATE TABLE "public"."cities" (',
      '      "id" integer',
      '    )',
      'note: left out: a.zip',
    ]);
  });
});

describe('progress', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 0 }));
  afterEach(() => void vi.useRealTimers());

  const screen = (isTTY: boolean) => {
    const written: string[] = [];
    return { written, stream: { isTTY, columns: 60, write: (text: string | Uint8Array) => written.push(String(text)) > 0 } };
  };
  const expected = { bytes: 1_000_000, exact: true };

  it('is a line every two seconds where there is no terminal', () => {
    const { written, stream } = screen(false);
    const display = openProgress(stream, false, {});
    display.planned(PLAN);
    display.apply({ type: 'phase', phase: 'moving', at: 0 });
    display.apply({ type: 'table-started', table: 't', expected, at: 0 });
    for (let tick = 1; tick <= 50; tick++) {
      vi.advanceTimersByTime(100);
      display.apply({ type: 'table-progress', table: 't', rows: tick * 10, bytes: tick * 10_000, expected, at: Date.now() });
      display.apply({ type: 'resources', rssBytes: 70_000_000, at: Date.now() });
    }
    expect(written).toEqual([
      expect.stringMatching(/^moving: t, 190 rows, 190\.0 kB, 95 rows\/s, 94\.6 kB\/s, 19%, 9 s left, memory 70\.0 MB\n$/),
      expect.stringMatching(/^moving: t, 390 rows, 390\.0 kB, 97 rows\/s, 97\.1 kB\/s, 39%, 6 s left, memory 70\.0 MB\n$/),
    ]);
    vi.advanceTimersByTime(10_000);
    expect(written).toHaveLength(3);
    display.close();
    vi.advanceTimersByTime(10_000);
    expect(written).toHaveLength(3);
  });

  it('is redrawn in place on a terminal, and gone at the end', () => {
    const { written, stream } = screen(true);
    const display = openProgress(stream, false, {});
    display.apply({ type: 'table-started', table: 'a'.repeat(100), expected: { rows: 10, exact: false }, at: 0 });
    display.apply({ type: 'table-progress', table: 'a'.repeat(100), rows: 5, bytes: 0, expected: { rows: 10, exact: false }, at: 1 });
    vi.advanceTimersByTime(250);
    expect(written).toHaveLength(2);
    expect(written[0]).toContain('~50%');
    for (const line of written[0].split('\n')) expect(displayWidth(line)).toBeLessThan(60);
    expect(written[1].startsWith('\u001b[2A\r\u001b[0J')).toBe(true);
    display.say('hello');
    expect(written[2]).toBe('\u001b[2A\r\u001b[0Jhello\n');
    display.close();
    display.close();
    vi.advanceTimersByTime(1_000);
    expect(written).toHaveLength(4);
  });

  it('promises nothing of an unknown whole, or of one that was exceeded', () => {
    const { written, stream } = screen(false);
    const display = openProgress(stream, false, {});
    display.apply({ type: 'table-started', table: 'unknown', expected: { exact: false }, at: 0 });
    for (let tick = 1; tick <= 40; tick++) {
      vi.advanceTimersByTime(100);
      display.apply({ type: 'table-progress', table: 'unknown', rows: tick, bytes: tick, expected: tick < 30 ? { exact: false } : { rows: 5, exact: false }, at: Date.now() });
    }
    expect(written.join('')).not.toMatch(/left|%/);
    display.close();
  });

  it('prints nothing when quiet', () => {
    const { written, stream } = screen(true);
    const display = openProgress(stream, true, {});
    display.apply({ type: 'note', message: 'x', at: 0 });
    display.say('x');
    vi.advanceTimersByTime(5_000);
    display.close();
    expect(written).toEqual([]);
  });
});
