import type { Command } from 'commander';
import { resolveConnection } from '../../config/resolve-connection.ts';
import { startCopy } from '../../jobs/start-transfer.ts';
import type { CopyOptions } from '../../transfer/transfer.ts';
import { addJobOptions, commandScope, type CommandScope, type JobFlags } from '../common-options.ts';
import type { CommandEnd } from '../command-end.ts';
import { parseMode } from '../options/choices.ts';
import { definedOnly } from '../options/defined-only.ts';
import { collect, parseNames } from '../../config/lists.ts';
import { runJob } from '../run-job.ts';
import type { Terminal } from '../terminal.ts';
import { wantedTables } from './export.ts';

interface CopyFlags extends JobFlags {
  readonly to: string;
  readonly table?: string[];
  readonly mode?: string;
  readonly key?: string[];
  readonly where?: string;
  readonly columns?: string[];
}

const EXAMPLES = `
Examples:
  # All tables of one database into another, in one consistent snapshot
  $ sluice copy postgres://me@localhost/shop --to postgres://me@localhost/shop_copy

  # One table into the embedded database, and under another name
  $ sluice copy shop --table public.orders --to duckdb
  $ sluice copy 'shop#public.orders' --to 'duckdb#orders_2024' --where "placed >= '2024-01-01'"

  # Newer rows replace older ones by key
  $ sluice copy shop --table customers --to warehouse --mode upsert --key id
`;

/** @param start given by tests that look at what the options come to */
export function defineCopy(command: Command, terminal: Terminal, end: CommandEnd, start: typeof startCopy = startCopy): void {
  command
    .argument('<connection>', 'the source: a URL, a named connection or a DuckDB file, also with #schema.table')
    .requiredOption('--to <connection>', 'the target; with #schema.table when a single table gets another name')
    .option('--table <tables>', 'copy these tables, as a,b or repeated (default: all)', collect)
    .option('--mode <mode>', 'append, replace, or upsert by key (default: append)')
    .option('--key <columns>', 'key for upsert, as a,b or repeated (default: the primary key)', collect)
    .option('--where <sql>', 'copy only the rows for which this is true')
    .option('--columns <columns>', 'copy only these columns, as a,b or repeated', collect);
  addJobOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (connection: string, flags: CopyFlags) => {
      const scope = await commandScope(flags, terminal);
      const options = copyOptions(connection, flags, scope);
      end(await runJob({ terminal, scope, flags, start: (run) => start(options, run) }));
    });
}

function copyOptions(connection: string, flags: CopyFlags, scope: CommandScope): CopyOptions {
  const source = resolveConnection(connection, scope.connections);
  const target = resolveConnection(flags.to, scope.connections);
  return {
    from: source.url,
    to: target.url,
    mode: parseMode(flags.mode) ?? 'append',
    ...definedOnly({
      tables: wantedTables(source, flags.table),
      table: target.table,
      key: parseNames(flags.key, '--key'),
      where: flags.where,
      columns: parseNames(flags.columns, '--columns'),
    }),
  };
}
