import type { ErrorReport } from '../../jobs/receipt.ts';
import type { ErrorPlace } from '../../errors/sluice-error.ts';
import { formatCount } from './quantities.ts';
import { printable, printableLine } from './text.ts';

/** An error for a person: what, where, what to do, and the code to look up. */
export function errorLines(error: ErrorReport): string[] {
  const place = placeText(error.at);
  return [
    `error: ${printable(error.message)}`,
    ...(place === '' ? [] : [`  at: ${place}`]),
    `  hint: ${printable(error.hint)}`,
    `  code: ${error.code}`,
  ];
}

/** `cities.csv:12, row 11, byte 480, column "name", table public.cities`: what is known of it. */
export function placeText(at: ErrorPlace): string {
  const file = at.file === undefined ? undefined : printableLine(at.file);
  const parts = [
    file === undefined || at.line === undefined ? file : `${file}:${at.line}`,
    file === undefined && at.line !== undefined ? `line ${formatCount(at.line)}` : undefined,
    at.row === undefined ? undefined : `row ${formatCount(at.row)}`,
    at.byte === undefined ? undefined : `byte ${formatCount(at.byte)}`,
    at.column === undefined ? undefined : `column "${printableLine(at.column)}"`,
    at.table === undefined ? undefined : `table ${printableLine(at.table)}`,
    at.part === undefined ? undefined : `part ${at.part}`,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}
