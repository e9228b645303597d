import type { ErrorReport } from '../../jobs/receipt.ts';
import type { QuarantinedRow } from '../../quarantine/quarantined-row.ts';
import type { QuarantineSummary } from '../../quarantine/summary.ts';
import { formatBytes, formatCount } from './quantities.ts';
import { alignColumns, printableLine, truncate } from './text.ts';

const RAW_WIDTH = 60;
const MESSAGE_WIDTH = 70;

/** A line for each table of each run. */
export function listLines(listed: readonly (QuarantineSummary | { readonly run: string; readonly error: ErrorReport })[]): string[] {
  const rows = listed.flatMap((one) => {
    if ('error' in one) return [[one.run, '', '', printableLine(`${one.error.code}: ${one.error.message}`)]];
    return one.tables.map(({ table, rows: count, codes }, i) => [
      i === 0 ? one.run : '',
      truncate(printableLine(table), RAW_WIDTH),
      formatCount(count),
      Object.entries(codes).map(([code, of]) => `${code} ${formatCount(of)}`).join(', ') + (one.sealed || i > 0 ? '' : ' (not complete)'),
    ]);
  });
  return alignColumns([['run', 'table', 'rows', 'codes'], ...rows], 'llrl');
}

export function rowLines(rows: readonly QuarantinedRow[]): string[] {
  const cells = rows.map((row) => [
    printableLine(row.table),
    placeOf(row),
    row.code,
    row.column === undefined ? printableLine(row.constraint ?? '') : printableLine(row.column),
    truncate(printableLine(row.message), MESSAGE_WIDTH),
    rawOf(row),
  ]);
  return alignColumns([['table', 'place', 'code', 'column', 'message', 'record'], ...cells], 'llllll');
}

/** `cities.csv:12`, else the row, else the part and the record in it. */
function placeOf({ source, member, row, line, part, record }: QuarantinedRow): string {
  const file = printableLine([source ?? '', ...(member === undefined ? [] : [member])].join('/'));
  if (line !== null) return `${file}:${line}`;
  return row === null ? `part ${part}, record ${record}` : `${file} row ${formatCount(row)}`;
}

function rawOf({ raw, rawEncoding, rawBytes }: QuarantinedRow): string {
  if (raw === null) return rawBytes === undefined ? '' : `(${formatBytes(rawBytes)})`;
  // Bytes that are no text are shown as Latin-1: what can be read of them is mostly ASCII.
  const text = rawEncoding === 'base64' ? Buffer.from(raw.slice(0, RAW_WIDTH * 4), 'base64').toString('latin1') : raw.slice(0, RAW_WIDTH * 2);
  return truncate(printableLine(text), RAW_WIDTH);
}
