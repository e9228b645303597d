import { basename } from 'node:path';
import type { Command } from 'commander';
import { ERROR_CODES, type ErrorCode } from '../../errors/error-codes.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { FormatName } from '../../formats/format.ts';
import { formatOfEnding } from '../../formats/registry.ts';
import { splitName } from '../../io/names.ts';
import { reportError } from '../../jobs/receipt.ts';
import { newRunId } from '../../jobs/run-id.ts';
import { RunStore } from '../../jobs/run-store.ts';
import { listQuarantines, openQuarantine, type Quarantine, type RowFilter } from '../../quarantine/quarantine-reader.ts';
import type { QuarantinedRow } from '../../quarantine/quarantined-row.ts';
import { addGeneralOptions, addJobOptions, commandScope, type GeneralFlags } from '../common-options.ts';
import type { CommandEnd } from '../command-end.ts';
import { parseFormat } from '../options/choices.ts';
import { addErrorOptions } from '../options/error-handling.ts';
import { collect } from '../../config/lists.ts';
import { formatCount } from '../output/quantities.ts';
import { listLines, rowLines } from '../output/quarantine-text.ts';
import { printJson, printLines } from '../print-json.ts';
import type { Terminal } from '../terminal.ts';
import type { ReplayFlags } from './quarantine-replay.ts';

export interface FilterFlags extends GeneralFlags {
  readonly table?: string;
  readonly code?: string;
}

interface ShowFlags extends FilterFlags {
  readonly limit: string;
  readonly offset: string;
}

interface ExportFlags extends FilterFlags {
  readonly to: string;
  readonly format?: string;
  readonly records?: boolean;
  readonly overwrite?: boolean;
}

const EXAMPLES = `
Examples:
  $ sluice quarantine list
  $ sluice quarantine show 1jd4kz2q8xk2f7 --code NOT_NULL_VIOLATED
  $ sluice quarantine export 1jd4kz2q8xk2f7 --to rejected.parquet

  # Correct the records in an editor, and load them
  $ sluice quarantine export 1jd4kz2q8xk2f7 --table orders --records --to orders.csv
  $ sluice quarantine replay 1jd4kz2q8xk2f7 --table orders --from orders.csv

  # Correct them by rule
  $ sluice quarantine replay 1jd4kz2q8xk2f7 --set "price=nullif(price, 'n/a')"
`;

export function defineQuarantine(command: Command, terminal: Terminal, end: CommandEnd): void {
  command.addHelpText('after', EXAMPLES);
  addGeneralOptions(command.command('list').description('the runs that have rejected rows, newest first'))
    .action(async (flags: GeneralFlags) => end(await list(flags, terminal)));
  addFilter(addGeneralOptions(command.command('show').description('the rejected rows of a run: where they are, why, and what they are')))
    .argument('<run>')
    .option('--limit <n>', 'at most so many', '50')
    .option('--offset <n>', 'pass over so many', '0')
    .action(async (run: string, flags: ShowFlags) => end(await show(run, flags, terminal)));
  addFilter(addGeneralOptions(command.command('export').description('write the rejected rows into a file')))
    .argument('<run>')
    .requiredOption('--to <file>', 'a file, or - for standard output')
    .option('--format <format>', 'ndjson, json, csv or parquet (default: by the ending of the file, else ndjson)')
    .option('--records', 'only the records, in the form of their source: to be corrected and replayed')
    .option('--overwrite', 'replace the file when it exists')
    .action(async (run: string, flags: ExportFlags) => end(await exportRows(run, flags, terminal)));
  addFilter(addJobOptions(addErrorOptions(command.command('replay').description('import the rejected rows of a run again, as they are or corrected'), 'that are still bad')))
    .argument('<run>')
    .option('--to <connection>', 'where to (default: where the run went)')
    .option('--from <file>', 'take the records from this file: an export, edited')
    .option('--again', 'also rows that an earlier replay has loaded')
    .option('--set <field=expr>', 'compute a field, in SQL of the embedded engine over the fields as text; repeatable', collect)
    .action(async (run: string, flags: ReplayFlags) => end(await (await import('./quarantine-replay.ts')).replay(run, flags, terminal)));
}

function addFilter(command: Command): Command {
  return command.option('--table <table>', 'only the rows of this table').option('--code <code>', 'only rows with this code, such as UNIQUE_VIOLATED');
}

async function list(flags: GeneralFlags, terminal: Terminal): Promise<number> {
  const { settings } = await commandScope(flags, terminal);
  const listed = [];
  for await (const one of listQuarantines(settings.workspace)) listed.push('error' in one ? { run: one.run, error: reportError(one.error) } : one);
  if (flags.json === true) printJson(terminal, { quarantines: listed.map((one) => ('error' in one ? one : withoutRecipe(one))) });
  else if (flags.quiet !== true) printLines(terminal.stdout, listed.length === 0 ? ['No run has rejected rows.'] : listLines(listed));
  return 0;
}

function withoutRecipe<T extends { readonly recipe: unknown }>({ recipe: _recipe, ...rest }: T): Omit<T, 'recipe'> {
  return rest;
}

async function show(run: string, flags: ShowFlags, terminal: Terminal): Promise<number> {
  const quarantine = await openOfRun(run, flags, terminal);
  const filter = filterOf(flags);
  const limit = wholeNumber(flags.limit, '--limit');
  const offset = wholeNumber(flags.offset, '--offset');
  const { summary } = quarantine;
  const rows: QuarantinedRow[] = [];
  for await (const row of quarantine.rows({ ...filter, offset, limit })) rows.push(row);
  if (flags.json === true) printJson(terminal, { ...withoutRecipe(summary), offset, shown: rows });
  else if (flags.quiet !== true) printLines(terminal.stdout, rows.length === 0 ? ['No row.'] : [...rowLines(rows), ...moreLine(summary.rows, rows.length, offset, filter), ...stateLine(summary.sealed)]);
  return 0;
}

function moreLine(all: number, shown: number, offset: number, filter: RowFilter): string[] {
  const filtered = filter.table !== undefined || filter.code !== undefined;
  return filtered || offset + shown >= all ? [] : ['', `${formatCount(shown)} of ${formatCount(all)} rows; --limit and --offset show others`];
}

function stateLine(sealed: boolean): string[] {
  return sealed ? [] : ['', 'The run has not ended in order: places and raw records are not known.'];
}

async function exportRows(run: string, flags: ExportFlags, terminal: Terminal): Promise<number> {
  const quarantine = await openOfRun(run, flags, terminal);
  const { openSink } = await import('../../io/open-sink.ts');
  const openTarget = () => openSink(flags.to, { compression: 'auto', overwrite: flags.overwrite === true, run: newRunId(), stdout: terminal.stdout });
  let rows: number;
  if (flags.records === true) {
    const { exportRecords } = await import('../../transfer/replay/export-records.ts');
    rows = await exportRecords(quarantine, filterOf(flags), openTarget);
  } else {
    const { exportQuarantine } = await import('../../transfer/quarantine-export.ts');
    const format = exportFormat(flags);
    rows = await exportQuarantine(quarantine.rows(filterOf(flags)), format, await openTarget());
  }
  if (flags.to === '-') return 0;
  if (flags.json === true) printJson(terminal, { run, file: flags.to, rows });
  else if (flags.quiet !== true) printLines(terminal.stdout, [`${formatCount(rows)} rows written to ${flags.to}`]);
  return 0;
}

function exportFormat({ format, to }: ExportFlags): FormatName {
  return parseFormat(format) ?? (to === '-' ? undefined : formatOfEnding(splitName(basename(to)).extension)) ?? 'ndjson';
}

/** @throws SluiceError RUN_UNKNOWN when there is neither a quarantine nor a run of that name, QUARANTINE_EMPTY when only the latter is there */
export async function openOfRun(run: string, flags: GeneralFlags, terminal: Terminal): Promise<Quarantine> {
  const { settings } = await commandScope(flags, terminal);
  try {
    return await openQuarantine(settings.workspace, run);
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'QUARANTINE_EMPTY') throw error;
    const store = await RunStore.openExisting(settings.workspace);
    try {
      if (store === undefined) throw new SluiceError('RUN_UNKNOWN', { run }, {}, error);
      store.show(run);
    } finally {
      store?.close();
    }
    throw error;
  }
}

/** @throws SluiceError USAGE for a code that does not exist */
export function filterOf({ table, code }: FilterFlags): RowFilter {
  if (code !== undefined && !Object.hasOwn(ERROR_CODES, code)) throw new SluiceError('USAGE', { what: `--code: "${code}" is no code; docs/errors.md lists them` });
  return { ...(table === undefined ? {} : { table }), ...(code === undefined ? {} : { code: code as ErrorCode }) };
}

function wholeNumber(text: string, option: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new SluiceError('USAGE', { what: `${option}: "${text}" is not a whole number` });
  return Number(text);
}
