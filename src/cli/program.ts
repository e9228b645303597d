import { Command, CommanderError } from 'commander';
import { SluiceError } from '../errors/sluice-error.ts';
import type { CommandEnd } from './command-end.ts';
import type { Terminal } from './terminal.ts';
import { versionText } from '../io/version.ts';

type Define = (command: Command, terminal: Terminal, end: CommandEnd) => void;

interface CommandEntry {
  readonly summary: string;
  /** A command's code loads when it is asked for: `sluice --version` must not pay for an import. */
  readonly load: () => Promise<Define>;
}

const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  import: { summary: 'load files, folders or URLs into the tables of a database', load: async () => (await import('./commands/import.ts')).defineImport },
  export: { summary: 'write tables or a query into files', load: async () => (await import('./commands/export.ts')).defineExport },
  copy: { summary: 'copy tables from one database into another', load: async () => (await import('./commands/copy.ts')).defineCopy },
  backup: { summary: 'back up a PostgreSQL database into a folder: only what is new is stored', load: async () => (await import('./commands/backup.ts')).defineBackup },
  restore: { summary: 'load a backup of many tables (a folder of files, a document, a dump) into a database', load: async () => (await import('./commands/restore.ts')).defineRestore },
  backups: { summary: 'list the backups of a repository', load: async () => (await import('./commands/backups.ts')).defineBackups },
  show: { summary: 'show what is in a backup', load: async () => (await import('./commands/show.ts')).defineShow },
  verify: { summary: 'check that backups are whole', load: async () => (await import('./commands/verify.ts')).defineVerify },
  quarantine: { summary: 'list, show, export and replay rejected rows', load: async () => (await import('./commands/quarantine.ts')).defineQuarantine },
  runs: { summary: 'list, show, cancel and resume runs', load: async () => (await import('./commands/runs.ts')).defineRuns },
  serve: { summary: 'serve the same jobs over HTTP', load: async () => (await import('./commands/serve.ts')).defineServe },
  token: { summary: 'make, list and revoke tokens of the server', load: async () => (await import('./commands/token.ts')).defineToken },
  doctor: { summary: 'check this machine, the workspace and connections', load: async () => (await import('./commands/doctor.ts')).defineDoctor },
};

const HELP = `
Examples:
  $ sluice import cities.csv                         into the embedded database of this folder
  $ sluice import cities.csv --to postgres://localhost/shop
  $ sluice export --table cities --to cities.json.gz
  $ sluice copy postgres://localhost/shop --to duckdb
  $ sluice backup postgres://localhost/shop --to /backups/shop
  $ sluice restore backups/ --to postgres://localhost/shop --clean
  $ sluice runs list

\`sluice COMMAND --help\` has the options and more examples. Exit codes: 0 done, 1 failed, 2 usage,
3 done with rows rejected, 4 unbalanced or verification failed, 130 cancelled.
`;

/** Commands whose receipt is the JSON document also when their options are wrong. */
export function isJob(name: string | undefined): name is 'import' | 'export' | 'copy' | 'backup' | 'restore' {
  return name === 'import' || name === 'export' || name === 'copy' || name === 'backup' || name === 'restore';
}

/**
 * Parses the arguments and runs the command.
 * @returns the exit code @throws SluiceError; USAGE for arguments that commander refuses
 */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const program = await buildProgram(args, terminal, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return ofCommander(error);
    throw error;
  }
}

async function buildProgram(args: readonly string[], terminal: Terminal, end: CommandEnd): Promise<Command> {
  const program = new Command('sluice')
    .description('Moves tables of any size between files and databases, in constant memory.')
    .version(versionText(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    // Refusals are printed by whoever prints all errors; what is left is the help.
    .configureOutput({ writeOut: (text) => void terminal.stdout.write(text), writeErr: () => {}, getOutHelpWidth: () => helpWidth(terminal) })
    .addHelpText('after', HELP);
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = program.command(name).description(summary);
    if (args.includes(name)) (await load())(command, terminal, end);
  }
  return program;
}

function helpWidth(terminal: Terminal): number {
  return Math.max(80, terminal.stdout.columns || 100);
}

function ofCommander(error: CommanderError): number {
  if (error.exitCode === 0) return 0;
  if (error.code === 'commander.help') throw new SluiceError('USAGE', { what: 'No command was given' }, {}, error);
  // `error: unknown option '--tabel'\n(Did you mean --table?)`
  const what = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  throw new SluiceError('USAGE', { what: what.charAt(0).toUpperCase() + what.slice(1) }, {}, error);
}
