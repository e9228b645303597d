import type { Command } from 'commander';
import type { BackupOptions } from '../../backup/create/backup-options.ts';
import { repositoryPath } from '../../backup/open-repository.ts';
import { resolveConnection } from '../../config/resolve-connection.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { startBackup } from '../../jobs/start-transfer.ts';
import { addGeneralOptions, commandScope, type CommandScope, type JobFlags } from '../common-options.ts';
import type { CommandEnd } from '../command-end.ts';
import { parseCompression } from '../options/choices.ts';
import { definedOnly } from '../options/defined-only.ts';
import { collect, parseNames } from '../../config/lists.ts';
import { runJob } from '../run-job.ts';
import type { Terminal } from '../terminal.ts';
import { wantedTables } from './export.ts';

interface BackupFlags extends JobFlags {
  readonly to: string;
  readonly table?: string[];
  readonly exclude?: string[];
  readonly schemaOnly?: boolean;
  readonly dataOnly?: boolean;
  readonly compress?: string;
  readonly pgDump?: string;
}

const EXAMPLES = `
Examples:
  # The whole database. The same again is the next backup: only what has changed is stored
  $ sluice backup postgres://me@localhost/shop --to /backups/shop
  $ sluice backups /backups/shop

  # Some tables, all of a schema, all but some
  $ sluice backup shop --to /backups/shop --table orders --table 'audit.log_202?'
  $ sluice backup shop --to /backups/shop --table 'sales.*' --exclude '*_tmp'

  # What would be backed up; rows without the schema, which needs no pg_dump
  $ sluice backup shop --to /backups/shop --dry-run
  $ sluice backup shop --to /backups/shop --data-only --jobs 4 --compress zstd:3
`;

/** @param start given by tests that look at what the options come to */
export function defineBackup(command: Command, terminal: Terminal, end: CommandEnd, start: typeof startBackup = startBackup): void {
  command
    .argument('<connection>', 'a PostgreSQL URL or a named connection, also with #schema.table')
    .requiredOption('--to <repository>', 'the folder of the backups; it is made where it is not there')
    .option('--table <patterns>', 'the rows of these tables only: names and globs (orders, sales.*), as a,b or repeated', collect)
    .option('--exclude <patterns>', 'not the rows of these', collect)
    .option('--schema-only', 'no rows, no sequences, no large objects')
    .option('--data-only', 'without the schema')
    .option('--compress <how>', 'zstd, with a level as in zstd:9, or none (default: zstd:1)')
    .option('--pg-dump <program>', 'the pg_dump that writes the schema (default: PG_DUMP, or one on PATH that is new enough)')
    .option('--jobs <n>', 'page groups read at once (default: from the cores, 2 to 8)')
    .option('--dry-run', 'print the plan and write nothing');
  addGeneralOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (connection: string, flags: BackupFlags) => {
      const scope = await commandScope(flags, terminal);
      const options = backupOptions(connection, flags, scope, terminal.cwd);
      end(await runJob({ terminal, scope, flags, connection: { option: '--from', url: options.from }, start: (run) => start(options, run) }));
    });
}

function backupOptions(connection: string, flags: BackupFlags, scope: CommandScope, cwd: string): BackupOptions {
  if (flags.schemaOnly === true && flags.dataOnly === true) throw new SluiceError('USAGE', { what: '--schema-only and --data-only exclude each other' });
  const source = resolveConnection(connection, scope.connections);
  const tables = wantedTables(source, flags.table) ?? [];
  const exclude = parseNames(flags.exclude, '--exclude') ?? [];
  if (flags.schemaOnly === true && (tables.length > 0 || exclude.length > 0)) throw new SluiceError('USAGE', { what: '--table and --exclude choose rows: with --schema-only there are none' });
  return {
    from: source.url, reference: source.reference, to: repositoryPath(flags.to, cwd), tables, exclude,
    schema: flags.dataOnly !== true, data: flags.schemaOnly !== true,
    ...definedOnly({ level: levelOf(flags.compress), dumpProgram: flags.pgDump }),
  };
}

function levelOf(text: string | undefined): number | undefined {
  const compression = parseCompression(text, '--compress');
  if (compression?.kind === 'gzip') throw new SluiceError('USAGE', { what: '--compress: chunks are zstd, or none' });
  return compression?.kind === 'none' ? 0 : compression?.level;
}
