/**
 * Whether two databases are the same to pg_dump. Definitions are compared as the text that it writes, line by line. Rows are compared table by table without their order, and those of partitions as the
 * rows of the partitioned table (`--load-via-partition-root`): both are what a restore does not keep, and pg_dump's own neither. Nothing is held in memory: `sort` orders the rows.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Lines of a difference that are shown. */
const MOST_LINES = 40;

export interface Normalization {
  readonly what: string;
  /** Why it is no difference. */
  readonly why: string;
  readonly apply: (line: string) => string | undefined;
}

/** The documented list of what may differ. */
export const NORMALIZATIONS: readonly Normalization[] = [
  { what: '\\restrict and \\unrestrict', why: 'pg_dump makes a random key each time', apply: (line) => (/^\\(?:un)?restrict /.test(line) ? undefined : line) },
  {
    what: 'the order of rows, and in which partition of a partitioned table they are',
    why: 'SQL knows no order, parts are loaded in parallel, and a hash partition depends on numbers that the server gives; each partition by itself is compared by `sluice verify --against`',
    apply: (line) => line,
  },
  {
    what: 'what a restore by pg_restore has in the same way (each line is printed)',
    why: 'the server writes some definitions otherwise once it has read them, and inherited columns that came later stand before a table\'s own: no restore by SQL keeps that',
    apply: (line) => line,
  },
];

export interface DumpTools {
  readonly pgDump: string;
  readonly env: Readonly<Record<string, string>>;
}

/** @returns what differs, in lines; empty when nothing does */
export async function compareDumps(tools: DumpTools, databases: readonly [before: string, after: string], folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const definitions = await Promise.all(databases.map((database, i) => definitionsOf(tools, database, join(folder, `definitions-${i}.sql`))));
  const differences = await differingLines(definitions[0], definitions[1], 'definitions');
  const rows = await Promise.all(databases.map((database, i) => rowsOf(tools, database, join(folder, `rows-${i}.txt`))));
  return [...differences, ...await differingLines(rows[0], rows[1], 'rows')];
}

async function definitionsOf(tools: DumpTools, database: string, path: string): Promise<string> {
  const out = createWriteStream(path);
  for await (const line of dumpLines(tools, ['--schema-only'], database)) {
    const kept = NORMALIZATIONS.reduce<string | undefined>((text, { apply }) => (text === undefined ? undefined : apply(text)), line);
    if (kept !== undefined) out.write(`${kept}\n`);
  }
  out.end();
  await once(out, 'finish');
  return path;
}

/** Each row behind the hash of its table's COPY, sorted; everything else (sequences, large objects) as it stands. */
async function rowsOf(tools: DumpTools, database: string, path: string): Promise<string> {
  const sort = spawn('sort', ['-S', '64M', '-o', path], { env: { ...process.env, LC_ALL: 'C' }, stdio: ['pipe', 'inherit', 'inherit'] });
  const ended = once(sort, 'close') as Promise<[number]>;
  let table: string | undefined, order = 0;
  for await (const line of dumpLines(tools, ['--data-only', '--load-via-partition-root'], database)) {
    // Comments and settings say nothing of the data; the names of the partitions that rows were read from are among them.
    let text: string | undefined;
    if (table !== undefined) {
      text = line === '\\.' ? undefined : `row ${table} ${line}`;
      if (line === '\\.') table = undefined;
    } else if (line.startsWith('COPY ') && line.endsWith(' FROM stdin;')) {
      table = createHash('sha256').update(line).digest('hex').slice(0, 16);
      text = `table ${table} ${line}`;
    } else if (!/^(?:--|SET |\\|\s*$)/.test(line)) {
      text = `line ${String(order++).padStart(9, '0')} ${line}`;
    }
    if (text !== undefined && !sort.stdin.write(`${text}\n`, 'latin1')) await once(sort.stdin, 'drain');
  }
  sort.stdin.end();
  const [code] = await ended;
  if (code !== 0) throw new Error(`sort ended with ${code}`);
  return path;
}

/** Bytes as latin1: a database in SQL_ASCII has some that are nothing else. */
async function* dumpLines({ pgDump, env }: DumpTools, options: readonly string[], database: string): AsyncGenerator<string, void, undefined> {
  const child = spawn(pgDump, [...options, '-d', database], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const ended = once(child, 'close') as Promise<[number]>;
  child.stdout.setEncoding('latin1');
  // readline takes other characters for line ends, too: lines are cut by hand. One may have hundreds of megabytes.
  let begun: string[] = [];
  for await (const piece of child.stdout as AsyncIterable<string>) {
    const [end, ...lines] = piece.split('\n');
    begun.push(end);
    for (const line of lines) {
      yield begun.join('');
      begun = [line];
    }
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`pg_dump: ${complaint.trim()}`);
}

async function differingLines(before: string, after: string, of: string): Promise<string[]> {
  const diff = spawn('diff', ['--text', '-U1', before, after], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(diff, 'close') as Promise<[number]>;
  const lines: string[] = [];
  let more = 0;
  for await (const line of createInterface({ input: diff.stdout.setEncoding('latin1') })) {
    if (line.startsWith('--- ') || line.startsWith('+++ ')) continue;
    if (lines.length < MOST_LINES) lines.push(line.length > 300 ? `${line.slice(0, 300)}…` : line);
    else more++;
  }
  const [code] = await ended;
  if (code > 1) throw new Error(`diff ended with ${code}`);
  if (code === 0) return [];
  const head = (await readFile(before)).length === 0 ? ' (the first is empty)' : '';
  return [`${of}${head}:`, ...lines, ...(more > 0 ? [`… and ${more} more lines`] : [])];
}
