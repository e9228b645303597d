import type { Command } from 'commander';
import { openRepository } from '../../backup/open-repository.ts';
import { readList, tableEntrySchema, type TableEntry } from '../../backup/repository/entry-list.ts';
import type { Manifest } from '../../backup/repository/manifest.ts';
import type { SluiceError } from '../../errors/sluice-error.ts';
import { addGeneralOptions, type GeneralFlags } from '../common-options.ts';
import type { CommandEnd } from '../command-end.ts';
import { errorLines } from '../output/error-text.ts';
import { formatBytes, formatCount, formatSeconds, formatTime } from '../output/quantities.ts';
import { alignColumns, printableLine } from '../output/text.ts';
import { printLines } from '../print-json.ts';
import type { Terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  $ sluice show /backups/shop                            # the newest backup
  $ sluice show /backups/shop@20261122-070405-k3f9
  $ sluice show /backups/shop@20261122 --json            # the beginning of a name is enough
`;

/** Printed at once, so that a table takes no more memory than its line. */
const TABLES_PER_PAGE = 1000;

export function defineShow(command: Command, terminal: Terminal, end: CommandEnd): void {
  addGeneralOptions(command.argument('<repository[@backup]>', 'a folder with backups, and which (default: the newest)'))
    .addHelpText('after', EXAMPLES)
    .action(async (reference: string, flags: GeneralFlags) => end(await show(reference, flags, terminal)));
}

async function show(text: string, flags: GeneralFlags, terminal: Terminal): Promise<number> {
  const { repository, backup } = await openRepository(text, terminal.cwd);
  const manifest = await repository.manifest(await repository.find(backup));
  const damage: SluiceError[] = [];
  const tables = readList(repository.chunks, manifest.tables, tableEntrySchema, { backup: manifest.backup, onDamage: (error) => damage.push(error) });
  if (flags.json === true) await printShown(manifest, tables, damage, terminal);
  else if (flags.quiet !== true) {
    printLines(terminal.stdout, headLines(manifest));
    let page: TableEntry[] = [];
    for await (const table of tables) {
      if (page.push(table) < TABLES_PER_PAGE) continue;
      printLines(terminal.stdout, tableLines(page));
      page = [];
    }
    if (page.length > 0) printLines(terminal.stdout, tableLines(page));
  }
  for (const error of damage) printLines(terminal.stderr, errorLines(error.toJSON()));
  return damage[0]?.exitCode ?? 0;
}

/** One JSON document, written table by table. */
async function printShown(manifest: Manifest, tables: AsyncIterable<TableEntry>, damage: readonly SluiceError[], { stdout }: Terminal): Promise<void> {
  const { tables: _tables, sequences: _sequences, largeObjects: _objects, schema, ...facts } = manifest;
  const head = { ...facts, schema: schema === null ? null : { writer: schema.writer } };
  stdout.write(`${JSON.stringify(head).slice(0, -1)},"tables":[`);
  let separator = '';
  for await (const { parts: _parts, ...table } of tables) {
    stdout.write(separator + JSON.stringify(table));
    separator = ',';
  }
  // Of a damaged list what can be read is shown.
  stdout.write(damage.length === 0 ? ']}\n' : `],"error":${JSON.stringify(damage[0])}}\n`);
}

function headLines({ backup, startedAt, finishedAt, source, schema, totals, notes, writer }: Manifest): string[] {
  const began = Date.parse(startedAt);
  return [
    `backup ${backup} of ${printableLine(source.database)} at ${printableLine(source.address)}, PostgreSQL ${Math.floor(source.serverVersion / 10_000)}.${source.serverVersion % 10_000}, ${source.encoding}`,
    `started ${formatTime(began)}, took ${formatSeconds((Date.parse(finishedAt) - began) / 1000)}, written by ${printableLine(writer)}`,
    `schema: ${schema === null ? 'not part of it' : printableLine(schema.writer)}`,
    `${formatCount(totals.tables)} tables, ${formatCount(totals.rows)} rows, ${formatCount(totals.largeObjects)} large objects, ${formatBytes(totals.bytes)}; ${formatBytes(totals.newBytes)} were new to the repository`,
    ...notes.map((note) => `note: ${printableLine(note)}`),
    '',
  ];
}

function tableLines(tables: readonly TableEntry[]): string[] {
  const rows = tables.map((table) => [printableLine(`${table.schema}.${table.name}`), formatCount(table.rows), formatBytes(table.bytes), formatCount(table.partCount), table.encoding]);
  return alignColumns([['table', 'rows', 'size', 'parts', 'encoding'], ...rows], 'lrrrl');
}
