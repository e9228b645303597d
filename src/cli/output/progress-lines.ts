import type { ProgressModel, TableView } from './progress-model.ts';
import { formatBytes, formatCount, formatRemaining } from './quantities.ts';
import { padEnd, printableLine, truncate } from './text.ts';

interface Layout {
  readonly name: number;
  readonly bar: number;
}

/** 80 columns have to hold the name, the bar, the share, the time left and both rates. */
const NARROW: Layout = { name: 16, bar: 8 };
const WIDE: Layout = { name: 28, bar: 20 };
const WIDE_FROM_COLUMNS = 108;
/** Tables shown at once; the others are in the counts of the last line. */
const MAX_BARS = 8;

/** The live display: a bar for each table on its way and a line for the whole; no line is wider than the terminal. */
export function barLines(model: ProgressModel, columns: number): string[] {
  const moving = model.moving();
  const shown = moving.length === 0 && model.lastDone !== undefined ? [model.lastDone] : moving.slice(0, MAX_BARS);
  const layout = columns >= WIDE_FROM_COLUMNS ? WIDE : NARROW;
  return [...shown.map((table) => barLine(table, layout)), summaryLine(model)].map((line) => truncate(line, columns));
}

/** One line that says everything, for logs. */
export function plainLine(model: ProgressModel): string {
  const moving = model.moving();
  const only = moving.length === 1 ? moving[0] : undefined;
  const totals = model.totals();
  const what = only === undefined ? tablesText(model) : printableLine(only.name);
  const view = only ?? { ...sumOf(moving), rows: totals.rows, bytes: totals.bytes };
  const facts = [...countsText(view), ...shareText(only), memoryText(model)].filter((fact) => fact !== '');
  return `${model.phase ?? 'starting'}: ${[what, ...facts].filter((fact) => fact !== '').join(', ')}`;
}

function barLine(table: TableView, layout: Layout): string {
  const filled = Math.round((table.share ?? 0) * layout.bar);
  const bar = table.share === undefined ? '·'.repeat(layout.bar) : '█'.repeat(filled) + '░'.repeat(layout.bar - filled);
  const name = padEnd(truncate(printableLine(table.name), layout.name), layout.name);
  const facts = table.done ? ['done', ...countsText(table)] : [...shareText(table), `${formatCount(table.rows)} rows`, ...rateText(table)];
  return `${name} ${bar} ${facts.join('  ')}`;
}

function summaryLine(model: ProgressModel): string {
  const totals = model.totals();
  const moving = model.moving();
  const rates = moving.length > 1 ? rateText(sumOf(moving)) : [];
  const counted = totals.rows > 0 ? [`${formatCount(totals.rows)} rows`] : [];
  return [model.phase ?? 'starting', tablesText(model), ...counted, ...rates, memoryText(model)].filter((part) => part !== '').join('  ');
}

function tablesText({ tablesDone, tablesPlanned }: ProgressModel): string {
  if (tablesPlanned === undefined) return tablesDone === 0 ? '' : `${formatCount(tablesDone)} tables done`;
  return `${formatCount(tablesDone)} of ${tablesPlanned === 1 ? '1 table' : `${formatCount(tablesPlanned)} tables`}`;
}

type Counts = Pick<TableView, 'rows' | 'bytes' | 'rowsPerSecond' | 'bytesPerSecond'>;

function countsText(of: Counts): string[] {
  return [`${formatCount(of.rows)} rows`, ...(of.bytes > 0 ? [formatBytes(of.bytes)] : []), ...rateText(of)];
}

function rateText({ rowsPerSecond, bytesPerSecond }: Pick<Counts, 'rowsPerSecond' | 'bytesPerSecond'>): string[] {
  return [
    ...(rowsPerSecond === undefined ? [] : [`${formatCount(rowsPerSecond)} rows/s`]),
    ...(bytesPerSecond === undefined || bytesPerSecond === 0 ? [] : [`${formatBytes(bytesPerSecond)}/s`]),
  ];
}

function sumOf(tables: readonly TableView[]): Pick<Counts, 'rowsPerSecond' | 'bytesPerSecond'> {
  const sum = (key: 'rowsPerSecond' | 'bytesPerSecond'): number | undefined =>
    tables.some((table) => table[key] !== undefined) ? tables.reduce((total, table) => total + (table[key] ?? 0), 0) : undefined;
  return { rowsPerSecond: sum('rowsPerSecond'), bytesPerSecond: sum('bytesPerSecond') };
}

function shareText(table: TableView | undefined): string[] {
  if (table?.share === undefined) return [];
  const about = table.estimated ? '~' : '';
  const left = table.secondsLeft === undefined ? [] : [`${about}${formatRemaining(table.secondsLeft)} left`];
  // Rounded down: 100% is said when the table is done, and not before.
  return [`${about}${Math.min(99, Math.floor(table.share * 100))}%`, ...left];
}

function memoryText({ rssBytes }: ProgressModel): string {
  return rssBytes === 0 ? '' : `memory ${formatBytes(rssBytes)}`;
}
