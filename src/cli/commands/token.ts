import type { Command } from 'commander';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { Role } from '../../server/contracts/route-contract.ts';
import { Credentials } from '../../server/store/credentials.ts';
import { ServerStore } from '../../server/store/server-store.ts';
import type { CommandEnd } from '../command-end.ts';
import { addGeneralOptions, commandScope, type GeneralFlags } from '../common-options.ts';
import { formatTime } from '../output/quantities.ts';
import { alignColumns, printableLine } from '../output/text.ts';
import { printJson, printLines } from '../print-json.ts';
import type { Terminal } from '../terminal.ts';

interface CreateFlags extends GeneralFlags {
  readonly name: string;
  readonly role: string;
  readonly days: string;
}

interface LinkFlags extends GeneralFlags {
  readonly role: string;
  readonly url: string;
}

const EXAMPLES = `
Examples:
  $ sluice token create --name nightly --role operator --days 30
  $ sluice token list
  $ sluice token revoke 1f0a9c3b7d2e
  $ sluice token link                  # to sign in with a browser
`;

const ROLES: readonly string[] = ['viewer', 'operator', 'admin'];
const MAX_DAYS = 3650;

export function defineToken(command: Command, terminal: Terminal, end: CommandEnd): void {
  command.addHelpText('after', EXAMPLES);
  addGeneralOptions(command.command('create').description('make a token; it is shown only this once'))
    .option('--name <name>', 'what it is for', 'command line')
    .option('--role <role>', 'viewer (looks), operator (starts runs) or admin (also connections, tokens, settings)', 'operator')
    .option('--days <n>', 'how long it is good', '90')
    .action(async (flags: CreateFlags) => {
      const days = parseDays(flags.days);
      const made = await withCredentials(flags, terminal, (credentials) => credentials.createToken(flags.name, parseRole(flags.role), days));
      if (flags.json === true) printJson(terminal, made);
      else printLines(terminal.stdout, [made.token]);
      end(0);
    });
  addGeneralOptions(command.command('list').description('all tokens, without their secrets'))
    .action(async (flags: GeneralFlags) => {
      const tokens = await withCredentials(flags, terminal, (credentials) => credentials.listTokens());
      const rows = tokens.map((one) => [one.id, printableLine(one.name), one.role, one.revokedAt === null ? formatTime(one.expiresAt) : 'revoked', one.lastUsedAt === null ? 'never' : formatTime(one.lastUsedAt)]);
      if (flags.json === true) printJson(terminal, { tokens });
      else if (flags.quiet !== true) printLines(terminal.stdout, rows.length === 0 ? ['No tokens yet.'] : alignColumns([['token', 'name', 'role', 'expires', 'last used'], ...rows], 'lllll'));
      end(0);
    });
  addGeneralOptions(command.command('revoke').description('revoke a token at once, with the sessions that it began'))
    .argument('<token>', 'its id, as `token list` shows it')
    .action(async (id: string, flags: GeneralFlags) => {
      await withCredentials(flags, terminal, (credentials) => credentials.revokeToken(id));
      if (flags.json === true) printJson(terminal, { revoked: id });
      else if (flags.quiet !== true) printLines(terminal.stdout, [`${id} is revoked`]);
      end(0);
    });
  addGeneralOptions(command.command('link').description('make a one-time link that signs a browser in'))
    .option('--role <role>', 'viewer, operator or admin', 'admin')
    .option('--url <url>', 'the address of the server', 'http://127.0.0.1:7420')
    .action(async (flags: LinkFlags) => {
      const code = await withCredentials(flags, terminal, (credentials) => credentials.createLink(parseRole(flags.role)));
      const link = `${flags.url.replace(/\/+$/, '')}/sign-in?code=${code}`;
      if (flags.json === true) printJson(terminal, { signIn: link });
      else printLines(terminal.stdout, [link]);
      end(0);
    });
}

async function withCredentials<T>(flags: GeneralFlags, terminal: Terminal, use: (credentials: Credentials) => T): Promise<T> {
  const { settings } = await commandScope(flags, terminal);
  const store = await ServerStore.open(settings.workspace);
  try {
    return use(new Credentials(store));
  } finally {
    store.close();
  }
}

function parseRole(text: string): Role {
  if (ROLES.includes(text)) return text as Role;
  throw new SluiceError('USAGE', { what: `--role: "${text}" is not one of ${ROLES.join(', ')}` });
}

function parseDays(text: string): number {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= MAX_DAYS) return days;
  throw new SluiceError('USAGE', { what: `--days: "${text}" is not a number from 1 to ${MAX_DAYS}` });
}
