import { extname } from 'node:path';
import type { Command } from 'commander';
import { EMBEDDED, resolveConnection, type ResolvedConnection } from '../../config/resolve-connection.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { startExport } from '../../jobs/start-transfer.ts';
import type { ExportOptions } from '../../transfer/transfer.ts';
import { addJobOptions, commandScope, type CommandScope, type JobFlags } from '../common-options.ts';
import type { CommandEnd } from '../command-end.ts';
import { parseCompression, parseFormat } from '../options/choices.ts';
import { parseDelimiter } from '../../config/csv-dialect.ts';
import { definedOnly } from '../options/defined-only.ts';
import { collect, parseNames } from '../../config/lists.ts';
import { runJob } from '../run-job.ts';
import type { Terminal } from '../terminal.ts';

interface ExportFlags extends JobFlags {
  readonly to: string;
  readonly table?: string[];
  readonly query?: string;
  readonly where?: string;
  readonly columns?: string[];
  readonly format?: string;
  readonly compress?: string;
  readonly overwrite?: boolean;
  readonly delimiter?: string;
  readonly header: boolean;
}

const EXAMPLES = `
Examples:
  # A table of the embedded database; the ending says the format and the compression
  $ sluice export --table cities --to cities.csv
  $ sluice export --table cities --to cities.ndjson.zst

  # A whole database, in one consistent snapshot: a file per table, or one SQL document
  $ sluice export postgres://me@localhost/shop --to backup/ --format csv --compress zstd
  $ sluice export shop --to shop.sql.gz

  # Some rows, some columns, the result of a query
  $ sluice export shop --table public.orders --where "placed >= '2024-01-01'" --columns id,total --to orders.parquet
  $ sluice export shop --query 'SELECT city, count(*) FROM customers GROUP BY city' --to - --format csv
`;

/** @param start given by tests that look at what the options come to */
export function defineExport(command: Command, terminal: Terminal, end: CommandEnd, start: typeof startExport = startExport): void {
  command
    .argument('[connection]', 'a URL, a named connection or a DuckDB file, also with #schema.table (default: duckdb, the database of the workspace)')
    .requiredOption('--to <target>', 'a file, a folder (with / at its end), or - for standard output')
    .option('--table <tables>', 'export these tables, as a,b or repeated (default: all)', collect)
    .option('--query <sql>', 'export the result of this query')
    .option('--where <sql>', 'export only the rows for which this is true')
    .option('--columns <columns>', 'export only these columns, as a,b or repeated', collect)
    .option('--format <format>', 'csv, json, ndjson, parquet or sql (default: by the ending of the target)')
    .option('--compress <how>', 'zstd, gzip, each with a level as in zstd:9, or none (default: by the ending of the target)')
    .option('--overwrite', 'replace files that exist')
    .option('--delimiter <char>', 'CSV: one character, or tab (default: comma)')
    .option('--no-header', 'CSV: without a first line that names the columns');
  addJobOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (connection: string | undefined, flags: ExportFlags) => {
      const rowsOnStdout = flags.to === '-';
      if (rowsOnStdout && flags.json === true && flags.dryRun !== true) {
        throw new SluiceError('USAGE', { what: '--json and --to - both need standard output' });
      }
      const scope = await commandScope(flags, terminal);
      const options = exportOptions(connection, flags, scope);
      end(await runJob({ terminal, scope, flags, start: (run) => start(options, run), rowsOnStdout }));
    });
}

function exportOptions(connection: string | undefined, flags: ExportFlags, scope: CommandScope): ExportOptions {
  const source = resolveConnection(connection ?? EMBEDDED, scope.connections);
  const tables = wantedTables(source, flags.table);
  if (flags.query !== undefined && (tables !== undefined || flags.where !== undefined || flags.columns !== undefined)) {
    throw new SluiceError('USAGE', { what: '--query says everything: it cannot be combined with a table, --where or --columns' });
  }
  const defaults = scope.configuration.settings.export;
  // A name with an ending says format and compression itself; defaults are for folders and standard output.
  const folder = flags.to !== '-' && extname(flags.to) === '';
  const format = parseFormat(flags.format) ?? (folder || flags.to === '-' ? defaults?.format : undefined);
  const compression = parseCompression(flags.compress, '--compress') ?? parseCompression(defaults?.compress, 'export.compress');
  const csv = definedOnly({
    delimiter: parseDelimiter(flags.delimiter) ?? (flags.format?.toLowerCase() === 'tsv' ? '\t' : undefined),
    // Commander says true when --no-header is absent.
    header: flags.header ? undefined : false,
  });
  return {
    from: source.url,
    to: flags.to,
    overwrite: flags.overwrite ?? defaults?.overwrite ?? false,
    ...definedOnly({
      tables,
      query: flags.query,
      where: flags.where,
      columns: parseNames(flags.columns, '--columns'),
      format,
      compression: flags.compress === undefined && !folder ? undefined : compression,
      csv: Object.keys(csv).length === 0 ? undefined : csv,
    }),
  };
}

/** Tables of the options and of the connection's `#table`, which exclude each other. */
export function wantedTables(source: ResolvedConnection, values: readonly string[] | undefined): string[] | undefined {
  const tables = parseNames(values, '--table');
  if (source.table === undefined) return tables;
  if (tables !== undefined) throw new SluiceError('USAGE', { what: 'The table is named twice: by --table and after "#" in the connection' });
  return [source.table];
}
