import type { Command } from 'commander';
import { openRepository } from '../../backup/open-repository.ts';
import { readLocks, type FoundLock } from '../../backup/repository/lock.ts';
import type { ListedBackup } from '../../backup/repository/repository.ts';
import { addGeneralOptions, type GeneralFlags } from '../common-options.ts';
import type { CommandEnd } from '../command-end.ts';
import { formatBytes, formatCount, formatSeconds, formatTime } from '../output/quantities.ts';
import { alignColumns, printableLine } from '../output/text.ts';
import { printJson, printLines } from '../print-json.ts';
import type { Terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  $ sluice backups /backups/shop
  $ sluice backups /backups/shop --json
`;

export function defineBackups(command: Command, terminal: Terminal, end: CommandEnd): void {
  addGeneralOptions(command.argument('<repository>', 'a folder with backups'))
    .addHelpText('after', EXAMPLES)
    .action(async (repository: string, flags: GeneralFlags) => end(await backups(repository, flags, terminal)));
}

/** A damaged backup is listed as what it is, and does not hide the others. */
async function backups(text: string, flags: GeneralFlags, terminal: Terminal): Promise<number> {
  const { repository } = await openRepository(text, terminal.cwd);
  const found: ListedBackup[] = [];
  for await (const backup of repository.backups()) found.unshift(backup);
  const locks = await readLocks(repository.storage);
  if (flags.json === true) printJson(terminal, { repository: repository.storage.name, backups: found.map(listing), locks: locks.map(lockListing) });
  else if (flags.quiet !== true) printLines(terminal.stdout, [...backupLines(found), ...locks.map(lockLine)]);
  return 0;
}

function listing(one: ListedBackup): object {
  if ('damage' in one) return { backup: one.backup, status: 'damaged', error: one.damage.toJSON() };
  const { startedAt, finishedAt, source, totals, notes } = one.manifest;
  return { backup: one.backup, status: 'complete', startedAt: Date.parse(startedAt), finishedAt: Date.parse(finishedAt), database: source.database, address: source.address, totals, notes };
}

function lockListing({ purpose, kind, pid, host, startedAt, leaseUntil, stale }: FoundLock): object {
  return { purpose, kind, pid, host: host.split('/')[0], startedAt: Date.parse(startedAt), leaseUntil: Date.parse(leaseUntil), stale };
}

function backupLines(found: readonly ListedBackup[]): string[] {
  if (found.length === 0) return ['No backups yet.'];
  const rows = found.map((one) => {
    if ('damage' in one) return [one.backup, '', '', '', '', '', `DAMAGED: ${printableLine(one.damage.message)}`];
    const { startedAt, finishedAt, source, totals } = one.manifest;
    const began = Date.parse(startedAt);
    return [
      one.backup, formatTime(began), formatSeconds((Date.parse(finishedAt) - began) / 1000), formatCount(totals.tables), formatCount(totals.rows),
      `${formatBytes(totals.newBytes)} of ${formatBytes(totals.bytes)}`, printableLine(source.database),
    ];
  });
  return alignColumns([['backup', 'started', 'took', 'tables', 'rows', 'stored', 'database'], ...rows], 'llrrrrl');
}

function lockLine({ purpose, pid, host, startedAt, leaseUntil, stale }: FoundLock): string {
  const who = `${printableLine(purpose)} by process ${pid} of ${printableLine(host.split('/')[0])} since ${formatTime(Date.parse(startedAt))}`;
  return stale ? `stale lock: ${who}; its process is gone, and the next that works here removes it` : `in use: ${who}, lease until ${formatTime(Date.parse(leaseUntil))}`;
}
