import type { Command } from 'commander';
import { resolveConnection } from '../../config/resolve-connection.ts';
import { addGeneralOptions, commandScope, type CommandScope, type GeneralFlags } from '../common-options.ts';
import type { CommandEnd } from '../command-end.ts';
import { checkConnection, checkMachine, failure, type Check } from '../doctor-checks.ts';
import { alignColumns, printableLine } from '../output/text.ts';
import { printJson, printLines } from '../print-json.ts';
import { wantsColour, type Terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  $ sluice doctor                    # this machine, the workspace, and every named connection
  $ sluice doctor postgres://me@localhost/shop
  $ sluice doctor shop --json
`;

export function defineDoctor(command: Command, terminal: Terminal, end: CommandEnd): void {
  addGeneralOptions(command.argument('[connection...]', 'connections to try (default: all of sluice.config.json)'))
    .addHelpText('after', EXAMPLES)
    .action(async (connections: string[], flags: GeneralFlags) => end(await doctor(connections, flags, terminal)));
}

async function doctor(connections: readonly string[], flags: GeneralFlags, terminal: Terminal): Promise<number> {
  const scope = await commandScope(flags, terminal);
  const checks = [configurationCheck(scope), ...(await checkMachine(scope.settings.workspace))];
  const wanted = connections.length > 0 ? connections : Object.keys(scope.configuration.settings.connections ?? {});
  for (const name of wanted) checks.push(await tryConnection(name, scope, terminal));
  const ok = checks.every(({ status }) => status !== 'failed');
  if (flags.json === true) printJson(terminal, { ok, checks });
  else if (flags.quiet !== true) printLines(terminal.stdout, await checkLines(checks, wantsColour(terminal.stdout, terminal.env)));
  return ok ? 0 : 1;
}

function configurationCheck({ configuration }: CommandScope): Check {
  const named = Object.keys(configuration.settings.connections ?? {}).length;
  const detail = configuration.file === undefined ? 'none, defaults are used' : `${configuration.file}, ${named === 1 ? '1 named connection' : `${named} named connections`}`;
  return { name: 'configuration', status: 'ok', detail };
}

async function tryConnection(name: string, scope: CommandScope, terminal: Terminal): Promise<Check> {
  try {
    return await checkConnection(name, resolveConnection(name, scope.connections).url, terminal.env);
  } catch (error) {
    return failure(`connection ${name}`, error);
  }
}

async function checkLines(checks: readonly Check[], colour: boolean): Promise<string[]> {
  const { default: picocolors } = await import('picocolors');
  const { green, yellow, red } = picocolors.createColors(colour);
  const paint = { ok: green, warning: yellow, failed: red };
  const aligned = alignColumns(checks.map((check) => [check.status, check.name, printableLine(check.detail)]), 'lll');
  return checks.flatMap((check, index) => [
    paint[check.status](check.status) + aligned[index].slice(check.status.length),
    ...(check.hint === undefined || check.status === 'ok' ? [] : [`         hint: ${printableLine(check.hint)}`]),
  ]);
}
