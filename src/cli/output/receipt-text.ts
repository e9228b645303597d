import type { Receipt } from '../../jobs/receipt.ts';
import type { TableReceipt, Totals } from '../../pipeline/receipt.ts';
import { formatBytes, formatCount, formatSeconds } from './quantities.ts';
import { alignColumns, printableLine } from './text.ts';
import { verificationLines } from './verification-text.ts';

/** Tables that a terminal still takes in; the run store and --json have all of them. */
const MAX_TABLES = 200;

/** The receipt as a table, with totals, time, speed and memory. The error of a failed run is printed apart. */
export function receiptLines(receipt: Receipt): string[] {
  const warnings = (receipt.warnings ?? []).map((warning) => `warning: ${printableLine(warning)}`);
  return [...tableLines(receipt), ...backupLines(receipt), ...verificationLines(receipt), headline(receipt), ...stepLines(receipt), ...missingLines(receipt), ...warnings];
}

function stepLines({ steps = [] }: Receipt): string[] {
  return steps.length === 0 ? [] : [`of that: ${steps.map(({ name, seconds }) => `${name} ${formatSeconds(seconds)}`).join(', ')}`];
}

function missingLines({ missing = [] }: Receipt): string[] {
  const shown = missing.slice(0, MAX_TABLES).map(({ table, place, reason }) => `missing: ${printableLine(table)}, ${printableLine(place)}: ${printableLine(reason)}`);
  return missing.length > shown.length ? [...shown, `… and ${formatCount(missing.length - shown.length)} more that are missing`] : shown;
}

function tableLines({ tables, totals }: Receipt): string[] {
  if (tables.length === 0) return [];
  const shown = tables.slice(0, MAX_TABLES);
  const removes = totals.removed !== undefined;
  const rows = [
    ['table', 'read', 'written', 'rejected', 'duplicate', 'skipped', 'size', ...(removes ? ['removed'] : [])],
    ...shown.map((table) => [printableLine(table.name), ...counts(table), ...removed(table, removes)]),
    ...(tables.length > 1 ? [['total', ...counts(totals), ...removed(totals, removes)]] : []),
  ];
  const lines = alignColumns(rows, `lrrrrrr${removes ? 'r' : ''}`);
  if (tables.length > shown.length) lines.splice(-1, 0, `… and ${formatCount(tables.length - shown.length)} more tables`);
  return lines;
}

/** What a backup has stored, and what a person should know of it. */
function backupLines({ backup, totals }: Receipt): string[] {
  if (backup === undefined) return [];
  const besides = [...(backup.sequences > 0 ? [`${formatCount(backup.sequences)} sequences`] : []), ...(backup.largeObjects > 0 ? [`${formatCount(backup.largeObjects)} large objects`] : [])];
  const stored = backup.newBytes === 0 ? 'nothing had changed' : `${formatBytes(backup.newBytes)} stored, compressed, of ${formatBytes(totals.bytes)}`;
  return [[`backup ${backup.backup} in ${printableLine(backup.repository)}: ${stored}`, ...besides].join(', '), ...backup.notes.map((note) => `note: ${printableLine(note)}`)];
}

function counts(of: TableReceipt | Totals): string[] {
  return [...[of.read, of.written, of.rejected, of.duplicate, of.skipped].map(formatCount), formatBytes(of.bytes)];
}

/** Rows that were there and are gone; the column is there when the run was to remove any. */
function removed(of: TableReceipt | Totals, removes: boolean): string[] {
  return removes ? [formatCount(of.removed ?? 0)] : [];
}

function headline({ run, job, status, totals, seconds, peakRssBytes }: Receipt): string {
  const facts = [
    `${job} ${status} in ${formatSeconds(seconds)}`,
    ...(status === 'done' && seconds > 0 ? [`${formatCount(totals.read / seconds)} rows/s`, `${formatBytes(totals.bytes / seconds)}/s`] : []),
    `peak memory ${formatBytes(peakRssBytes)}`,
    ...(run === null || status === 'planned' ? [] : [`run ${run}`]),
  ];
  return facts.join(', ');
}
