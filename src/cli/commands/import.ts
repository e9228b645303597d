import type { Command } from 'commander';
import { EMBEDDED, resolveConnection } from '../../config/resolve-connection.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { startImport } from '../../jobs/start-transfer.ts';
import type { ImportOptions } from '../../transfer/transfer.ts';
import { addJobOptions, commandScope, type CommandScope, type JobFlags } from '../common-options.ts';
import { parseFormat, parseMode } from '../options/choices.ts';
import { addErrorOptions, parseErrorHandling, type ErrorFlags } from '../options/error-handling.ts';
import { collect, parseNames, parsePairs } from '../../config/lists.ts';
import { definedOnly } from '../options/defined-only.ts';
import { readOptions, type ReadFlags } from '../options/read-options.ts';
import type { CommandEnd } from '../command-end.ts';
import { runJob } from '../run-job.ts';
import type { Terminal } from '../terminal.ts';

interface ImportFlags extends JobFlags, ReadFlags, ErrorFlags {
  readonly to?: string;
  readonly table?: string;
  readonly mode?: string;
  readonly key?: string[];
  readonly map?: string[];
  readonly columns?: string[];
}

const EXAMPLES = `
Examples:
  # Into the embedded database of this folder (.sluice/data.duckdb), table "cities"
  $ sluice import cities.csv

  # Into PostgreSQL; what is detected can be seen first
  $ sluice import cities.csv --to postgres://me@localhost/shop --table public.cities --dry-run
  $ sluice import cities.csv --to postgres://me@localhost/shop --table public.cities

  # Every file of a folder into a table of its own; several files into one
  $ sluice import backup/ --to shop
  $ sluice import 'logs/*.ndjson.gz' --to shop --table logs

  # Newer rows replace older ones by key; fields go to other columns
  $ sluice import customers.json --to shop --table customers --mode upsert --key id --map fullName=name

  # From another program, with everything said
  $ zcat dump.gz | sluice import - --to shop --table t --format csv --delimiter tab --no-header --encoding latin1
`;

/** @param start given by tests that look at what the options come to */
export function defineImport(command: Command, terminal: Terminal, end: CommandEnd, start: typeof startImport = startImport): void {
  command
    .argument('<source...>', 'files, folders, globs in quotes, http(s) URLs, or - for standard input')
    .option('--to <connection>', 'a URL, a named connection or a DuckDB file, also with #schema.table (default: duckdb, the database of the workspace)')
    .option('--table <table>', 'target table, as table or schema.table (default: the name of the file)')
    .option('--mode <mode>', 'append, replace, or upsert by key (default: append)')
    .option('--key <columns>', 'key for upsert, as a,b or repeated (default: the primary key)', collect)
    .option('--map <from=to>', 'field FROM goes to column TO; repeatable', collect)
    .option('--columns <fields>', 'take only these fields, as a,b or repeated', collect)
    .option('--format <format>', 'csv, json, ndjson, parquet or sql (default: by name and content)')
    .option('--delimiter <char>', 'CSV: one character, or tab (default: detected)')
    .option('--quote <char>', 'CSV: one character, or none (default: detected)')
    .option('--escape <char>', 'CSV: one character (default: the quote)')
    .option('--header', 'CSV: the first line names the columns (default: detected)')
    .option('--no-header', 'CSV: the first line is data')
    .option('--null-text <text>', 'CSV: unquoted text that means NULL (default: the empty field)')
    .option('--encoding <name>', 'utf-8, utf-16le, utf-16be, latin1 or windows-1252 (default: detected)')
    .option('--type <column=type>', 'type of a field, such as price=numeric(10,2); repeatable', collect)
    .option('--json-path <path>', 'JSON: the key (a.b.c) under which the array of records is')
    .option('--max-record-size <size>', 'largest single record (default: 256MiB)');
  // Both --header and --no-header are given, so that commander gives no default and detection stays possible.
  addJobOptions(addErrorOptions(command))
    .addHelpText('after', EXAMPLES)
    .action(async (sources: string[], flags: ImportFlags) => {
      const scope = await commandScope(flags, terminal);
      const options = importOptions(sources, flags, scope);
      end(await runJob({ terminal, scope, flags, connection: { option: '--to', url: options.to }, start: (run) => start(options, run), rowsOnStdin: sources.includes('-') }));
    });
}

function importOptions(sources: string[], flags: ImportFlags, scope: CommandScope): ImportOptions {
  const target = resolveConnection(flags.to ?? EMBEDDED, scope.connections);
  if (target.table !== undefined && flags.table !== undefined) {
    throw new SluiceError('USAGE', { what: 'The table is named twice: by --table and after "#" in --to' });
  }
  return {
    sources,
    to: target.url,
    reference: target.reference,
    mode: parseMode(flags.mode) ?? scope.configuration.settings.import?.mode ?? 'append',
    read: readOptions(flags, scope),
    ...parseErrorHandling(flags),
    ...definedOnly({
      table: flags.table ?? target.table,
      key: parseNames(flags.key, '--key'),
      map: parsePairs(flags.map, '--map'),
      columns: parseNames(flags.columns, '--columns'),
      format: parseFormat(flags.format),
    }),
  };
}
