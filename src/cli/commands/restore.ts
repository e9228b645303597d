import type { Command } from 'commander';
import { EMBEDDED, resolveConnection } from '../../config/resolve-connection.ts';
import type { LoadMode } from '../../connectors/connector.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { startRestore } from '../../jobs/start-transfer.ts';
import type { RestoreOptions } from '../../transfer/transfer.ts';
import type { CommandEnd } from '../command-end.ts';
import { addJobOptions, commandScope, type CommandScope, type JobFlags } from '../common-options.ts';
import { parseFormat, parseMode } from '../options/choices.ts';
import { definedOnly } from '../options/defined-only.ts';
import { addErrorOptions, parseErrorHandling, type ErrorFlags } from '../options/error-handling.ts';
import { collect, parseNames, parsePairs } from '../../config/lists.ts';
import { readOptions, type ReadFlags } from '../options/read-options.ts';
import { runJob } from '../run-job.ts';
import type { Terminal } from '../terminal.ts';

interface RestoreFlags extends JobFlags, ReadFlags, ErrorFlags {
  readonly to?: string;
  readonly pick?: string;
  readonly clean?: boolean;
  readonly mode?: string;
  readonly table?: string[];
  readonly exclude?: string[];
  readonly mapTable?: string[];
  readonly disableTriggers?: boolean;
}

const EXAMPLES = `
Examples:
  # The newest backup of a folder of dated backups; what will happen can be seen first
  $ sluice restore backups/ --to postgres://me@localhost/shop --dry-run
  $ sluice restore backups/ --to postgres://me@localhost/shop --clean

  # A certain one of them, or one folder, document or dump
  $ sluice restore backups/ --pick 2026-11-21 --to shop
  $ sluice restore shop.sql.gz --to shop

  # Some tables, one of them under another name
  $ sluice restore backup/ --to shop --table users --table orders --map-table customers=users

  # Rows that break a type or constraint are put aside, unless they are too many
  $ sluice restore backup/ --to shop --on-error quarantine --max-errors 0.1%
`;

/** @param start given by tests that look at what the options come to */
export function defineRestore(command: Command, terminal: Terminal, end: CommandEnd, start: typeof startRestore = startRestore): void {
  command
    .argument('<source>', 'a folder with a file for each table, a folder of such backups, one JSON document or SQL dump, a glob in quotes, a URL, or -')
    .option('--to <connection>', 'a URL, a named connection or a DuckDB file (default: duckdb, the database of the workspace)')
    .option('--pick <name>', 'the backup in the folder to take (default: the newest complete one)')
    .option('--clean', 'empty the tables of the backup first, in the same transaction')
    .option('--mode <mode>', 'append, or upsert by primary key (default: append)')
    .option('--table <names>', 'only these tables, as a,b or repeated', collect)
    .option('--exclude <names>', 'not these tables, as a,b or repeated', collect)
    .option('--map-table <from=to>', 'what the backup calls FROM is the table TO; repeatable', collect)
    .option('--disable-triggers', 'triggers of users do not fire while rows are published')
    .option('--format <format>', 'csv, json, ndjson, parquet or sql, for all files (default: by name and content)')
    .option('--delimiter <char>', 'CSV: one character, or tab (default: detected)')
    .option('--null-text <text>', 'CSV: unquoted text that means NULL (default: the empty field)')
    .option('--encoding <name>', 'utf-8, utf-16le, utf-16be, latin1 or windows-1252 (default: detected)')
    .option('--max-record-size <size>', 'largest single record (default: 256MiB)');
  addJobOptions(addErrorOptions(command))
    .addHelpText('after', EXAMPLES)
    .action(async (source: string, flags: RestoreFlags) => {
      const scope = await commandScope(flags, terminal);
      const options = restoreOptions(source, flags, scope);
      end(await runJob({ terminal, scope, flags, start: (run) => start(options, run), rowsOnStdin: source === '-' }));
    });
}

function restoreOptions(source: string, flags: RestoreFlags, scope: CommandScope): RestoreOptions {
  const target = resolveConnection(flags.to ?? EMBEDDED, scope.connections);
  if (target.table !== undefined) throw new SluiceError('USAGE', { what: 'A restore loads many tables: leave out what is after "#" in --to, and say --table or --map-table' });
  return {
    source, to: target.url, reference: target.reference, mode: modeOf(flags), read: readOptions(flags, scope),
    ...parseErrorHandling(flags),
    ...definedOnly({
      pick: flags.pick,
      tables: parseNames(flags.table, '--table'),
      exclude: parseNames(flags.exclude, '--exclude'),
      mapTables: parsePairs(flags.mapTable, '--map-table'),
      disableTriggers: flags.disableTriggers,
      format: parseFormat(flags.format),
    }),
  };
}

function modeOf({ clean, mode }: RestoreFlags): LoadMode {
  const said = parseMode(mode);
  if (said === 'replace') throw new SluiceError('USAGE', { what: '--mode replace is called --clean in a restore' });
  if (clean === true && said !== undefined) throw new SluiceError('USAGE', { what: '--clean and --mode exclude each other: into empty tables everything is appended' });
  return clean === true ? 'replace' : (said ?? 'append');
}
