import type { Command } from 'commander';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { CommandEnd } from '../command-end.ts';
import { addGeneralOptions, commandScope, type GeneralFlags } from '../common-options.ts';
import { collect } from '../../config/lists.ts';
import { printJson, printLines } from '../print-json.ts';
import type { Terminal } from '../terminal.ts';
import { versionText } from '../../io/version.ts';

interface ServeFlags extends GeneralFlags {
  readonly host: string;
  readonly port: string;
  readonly files?: string[];
  readonly urls?: boolean;
  readonly keyFile?: string;
  readonly publicUrl?: string;
  readonly link?: boolean;
  readonly log?: boolean;
}

const EXAMPLES = `
Examples:
  # On this machine only; the first start prints a link to sign in
  $ sluice serve

  # Runs may read and write the files of a folder
  $ sluice serve --files /srv/data

  # Behind a proxy that speaks https
  $ sluice serve --public-url https://sluice.example.com
`;

export function defineServe(command: Command, terminal: Terminal, end: CommandEnd): void {
  addGeneralOptions(command)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 for any that is free', '7420')
    .option('--files <folder>', 'a folder whose files runs may read and write; repeatable', collect)
    .option('--urls', 'runs may read http(s) addresses, also those that only this machine reaches')
    .option('--key-file <file>', 'the key for stored secrets (default: sluice/server.key in your configuration folder)')
    .option('--public-url <url>', 'the address that browsers know, where a proxy stands before the server')
    .option('--link', 'print a one-time link to sign in, also when there are tokens')
    .option('--log', 'print a line for each request on standard error')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ServeFlags) => end(await serve(flags, terminal)));
}

async function serve(flags: ServeFlags, terminal: Terminal): Promise<number> {
  const scope = await commandScope(flags, terminal);
  const { startServer } = await import('../../server/start-server.ts');
  const { keyFileOf } = await import('../../server/store/secrets.ts');
  const stopped = stopSignal();
  const publicUrl = parsePublicUrl(flags.publicUrl);
  const server = await startServer({
    host: flags.host, port: parsePort(flags.port), settings: scope.settings, configuration: scope.configuration, env: terminal.env, version: versionText(),
    files: flags.files ?? [], cwd: terminal.cwd, urls: flags.urls === true, keyFile: keyFileOf(flags.keyFile, terminal.env), link: flags.link === true,
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(flags.log === true ? { log: (line: string) => printLines(terminal.stderr, [line]) } : {}),
  });
  if (flags.json === true) printJson(terminal, { url: server.url, signIn: server.signInLink ?? null });
  else {
    printLines(terminal.stdout, [`Sluice is at ${server.url}`, ...(server.signInLink === undefined ? [] : [`Sign in, once and within an hour: ${server.signInLink}`])]);
    if (flags.quiet !== true) printLines(terminal.stderr, ['Ctrl-C stops it; runs that are under way can be resumed.']);
  }
  await stopped;
  await server.close();
  return 0;
}

/** Resolves at the first signal; a second one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535) throw new SluiceError('USAGE', { what: `--port: "${text}" is not a number from 0 to 65535` });
  return port;
}

function parsePublicUrl(text: string | undefined): URL | undefined {
  if (text === undefined) return undefined;
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return new URL(text);
  throw new SluiceError('USAGE', { what: `--public-url: "${text}" is not an http(s) address` });
}
