import type { Command } from 'commander';
import { loadConfiguration, type LoadedConfiguration } from '../config/configuration.ts';
import type { ConnectionScope } from '../config/resolve-connection.ts';
import { resolveSettings, type Settings } from '../config/settings.ts';
import type { Terminal } from './terminal.ts';

/** Values of the options that every command has, as commander gives them. */
export interface GeneralFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly config?: string;
}

/** Values of the options that every job has. */
export interface JobFlags extends GeneralFlags {
  readonly jobs?: string;
  readonly partSize?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function addGeneralOptions(command: Command): Command {
  return command
    .option('--config <file>', 'read this configuration instead of sluice.config.json')
    .option('--json', 'print exactly one JSON document on standard output')
    .option('--quiet', 'print nothing but errors (and the JSON document)');
}

export function addJobOptions(command: Command): Command {
  command
    .option('--jobs <n>', 'parts moved at once (default: from the cores, 2 to 8)')
    .option('--part-size <size>', 'aimed size of a part, such as 8MB or 16MiB')
    .option('--dry-run', 'print the plan and change nothing')
    .option('--yes', 'replace existing tables without asking');
  return addGeneralOptions(command);
}

/** What a command works with, after flags, environment and configuration were weighed. */
export interface CommandScope {
  readonly settings: Settings;
  readonly configuration: LoadedConfiguration;
  readonly connections: ConnectionScope;
}

/** @throws SluiceError CONFIG_INVALID, USAGE */
export async function commandScope(flags: JobFlags, terminal: Terminal): Promise<CommandScope> {
  const { cwd, env } = terminal;
  const configuration = await loadConfiguration({ path: flags.config, cwd, env });
  const settings = resolveSettings(flags, env, configuration, cwd);
  return { settings, configuration, connections: { configuration, env, workspace: settings.workspace } };
}
