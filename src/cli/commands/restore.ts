import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import { EMBEDDED, resolveConnection } from '../../config/resolve-connection.ts';
import type { LoadMode } from '../../connectors/connector.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { RestoreRequest } from '../../jobs/restore-request.ts';
import { startRestore } from '../../jobs/start-transfer.ts';
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
  readonly where?: string;
  readonly dataOnly?: boolean;
  readonly schemaOnly?: boolean;
  readonly mapSchema?: string[];
  readonly skipDamaged?: boolean;
  /** Of `--no-owner` and its like: true without it. */
  readonly owner?: boolean;
  readonly privileges?: boolean;
  readonly comments?: boolean;
  readonly analyze?: boolean;
}

const EXAMPLES = `
Examples:
  # A database from the newest backup of a repository, or from a certain one; from an archive of pg_dump
  $ sluice restore /backups/shop --to postgres://me@localhost/shop_restored
  $ sluice restore /backups/shop@20261122-070405-k3f9 --to postgres://me@localhost/shop_restored --jobs 8
  $ sluice restore shop.dump --to postgres://me@localhost/shop_restored --no-owner

  # Rows that were deleted by mistake, back into the table that is there
  $ sluice restore /backups/shop --to shop --data-only --table orders --where "created_at >= '2026-11-01'"

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
    .argument('<source>', 'a backup REPOSITORY or REPOSITORY@BACKUP, an archive of pg_dump; or a folder with a file for each table, a folder of such backups, one JSON document or SQL dump, a glob in quotes, a URL, or -')
    .option('--to <connection>', 'a URL, a named connection or a DuckDB file (default: duckdb, the database of the workspace)')
    .option('--pick <name>', 'the backup in the folder to take (default: the newest complete one)')
    .option('--clean', 'replace what is there: rows of files in one transaction, the objects of a backup when their replacement is complete')
    .option('--data-only', 'backups: only rows, into tables that are there')
    .option('--schema-only', 'backups: no rows')
    .option('--where <sql>', 'backups: only rows that meet this condition, of the tables of --table')
    .option('--map-schema <from=to>', 'backups, with --data-only: rows of the schema FROM go into TO; repeatable', collect)
    .option('--no-owner', 'backups: everything belongs to the user who restores')
    .option('--no-privileges', 'backups: no GRANT and REVOKE')
    .option('--no-comments', 'backups: no comments and security labels')
    .option('--no-analyze', 'backups: no ANALYZE at the end')
    .option('--skip-damaged', 'backups: restore everything that is whole, and name what is not (exit code 4)')
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
      // The middle compiler costs 3 to 5 MB while it works, and restores are no slower without it; the walk over CSV beside DuckDB would be, by a fifth.
      setFlagsFromString('--no-maglev');
      const scope = await commandScope(flags, terminal);
      const options = restoreOptions(source, flags, scope);
      end(await runJob({ terminal, scope, flags, connection: { option: '--to', url: options.to }, start: (run) => start(options, run), rowsOnStdin: source === '-' }));
    });
}

function restoreOptions(source: string, flags: RestoreFlags, scope: CommandScope): RestoreRequest {
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
      where: flags.where,
      dataOnly: flags.dataOnly,
      schemaOnly: flags.schemaOnly,
      mapSchemas: parsePairs(flags.mapSchema, '--map-schema'),
      skipDamaged: flags.skipDamaged,
      noOwner: flags.owner === false ? true : undefined,
      noPrivileges: flags.privileges === false ? true : undefined,
      noComments: flags.comments === false ? true : undefined,
      noAnalyze: flags.analyze === false ? true : undefined,
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
