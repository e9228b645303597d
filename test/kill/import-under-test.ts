/** The import that is killed again and again: its data, the command, and what must be true when it has come to its end at last. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

const ROWS = 60_000;
/** Every so many rows one is bad: a value that is none, a key that was there, NULL where there must be a value, a parent that is not there. */
const BAD_EVERY = 997;
const SLUICE = join(import.meta.dirname, '../../bin/sluice');

interface RunListing {
  readonly run: string;
  readonly status: string;
  readonly resumable: boolean;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class ImportUnderTest {
  readonly #folder: string;
  readonly #url: string;
  readonly #direct: string;
  #expected: { rows: string; quarantine: string } | undefined;

  /** @param url through which Sluice connects; @param direct for our own questions */
  constructor(folder: string, url: string, direct: string) {
    this.#folder = folder;
    this.#url = url;
    this.#direct = direct;
    writeFileSync(this.#source, source());
  }

  get #source(): string {
    return join(this.#folder, 'items.csv');
  }

  get workspace(): string {
    return join(this.#folder, 'workspace');
  }

  /** An empty target and an empty workspace. */
  async reset(): Promise<void> {
    rmSync(this.workspace, { recursive: true, force: true });
    mkdirSync(this.workspace);
    await this.ask(`DROP TABLE IF EXISTS items; DROP TABLE IF EXISTS parents;
      CREATE TABLE parents (id integer PRIMARY KEY); INSERT INTO parents SELECT generate_series(0, 99);
      CREATE TABLE items (id integer PRIMARY KEY, parent integer NOT NULL REFERENCES parents (id), name text NOT NULL, amount numeric(12,2) CHECK (amount >= 0))`);
  }

  start(): ChildProcess {
    return this.#spawn(['import', this.#source, '--to', this.#url, '--table', 'items', '--on-error', 'quarantine', '--part-size', '256KiB', '--jobs', '2', '--json', '--quiet']);
  }

  async finish(child: ChildProcess): Promise<Ended> {
    let stdout = '';
    let stderr = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
    const [code] = await once(child, 'close') as [number | null];
    return { code, stdout, stderr };
  }

  /** The state of the only run of the workspace; undefined when it left no record. */
  async run(): Promise<RunListing | undefined> {
    const { stdout } = await this.finish(this.#spawn(['runs', 'list', '--json']));
    return (JSON.parse(stdout) as { runs: RunListing[] }).runs[0];
  }

  resume(): ChildProcess {
    // The password is not in the run's record.
    return this.#spawn(['runs', 'resume', '--to', this.#url, '--json', '--quiet']);
  }

  /** Brings the interrupted run to its end, or begins again where nothing had begun. Gives the receipt's text. */
  async complete(): Promise<string> {
    for (let attempt = 0; attempt < 10; attempt++) {
      const run = await this.run();
      if (run?.status === 'done') return 'done before';
      const child = run === undefined || !run.resumable ? this.start() : this.resume();
      const { code, stdout, stderr } = await this.finish(child);
      if (code === 0 || code === 3) return stdout;
      if (attempt === 9) throw new Error(`does not come to its end: ${stderr}`);
    }
    throw new Error('unreachable');
  }

  /** Every row exactly once, every bad row in the quarantine exactly once, a balanced receipt, nothing left behind. */
  async assertComplete(receiptText: string): Promise<void> {
    const found = await this.#state();
    this.#expected ??= found;
    if (found.rows !== this.#expected.rows) throw new Error(`other rows than without an interruption: ${found.rows}, not ${this.#expected.rows}`);
    if (found.quarantine !== this.#expected.quarantine) throw new Error(`another quarantine than without an interruption: ${found.quarantine}, not ${this.#expected.quarantine}`);
    const left = await this.ask("SELECT string_agg(relname, ', ') FROM pg_class WHERE relname LIKE 'sluice\\_%' AND relkind IN ('r', 'S')");
    if (left !== null) throw new Error(`left behind: ${left}`);
    if (receiptText === 'done before') return;
    const { totals } = JSON.parse(receiptText) as { totals: Record<string, number> };
    const sum = totals.written + totals.rejected + totals.duplicate + totals.skipped;
    if (totals.read !== sum || totals.read !== ROWS) throw new Error(`the receipt does not balance: ${JSON.stringify(totals)}`);
  }

  async ask(sql: string): Promise<string | null> {
    const client = new pg.Client({ connectionString: this.#direct });
    await client.connect();
    try {
      const result = await client.query<Record<string, string | null>>(sql);
      const last = Array.isArray(result) ? (result as pg.QueryResult<Record<string, string | null>>[]).at(-1)! : result;
      return Object.values(last.rows[0] ?? {})[0] ?? null;
    } finally {
      await client.end();
    }
  }

  async #state(): Promise<{ rows: string; quarantine: string }> {
    const rows = await this.ask("SELECT count(*) || ' ' || md5(string_agg(items::text, E'\\n' ORDER BY id)) FROM items");
    const run = (await this.run())!.run;
    const lines = readFileSync(join(this.workspace, 'quarantine', run, 'rows.ndjson'), 'utf8').trimEnd().split('\n');
    const bare = lines.map((line) => {
      const { run: _run, ...row } = JSON.parse(line) as Record<string, unknown>;
      return JSON.stringify(row);
    });
    return { rows: rows ?? '', quarantine: `${lines.length} ${createHash('sha256').update(bare.join('\n')).digest('hex')}` };
  }

  #spawn(args: string[]): ChildProcess {
    return spawn(SLUICE, args, { env: { ...process.env, SLUICE_HOME: this.workspace }, stdio: ['ignore', 'pipe', 'pipe'] });
  }
}

function source(): string {
  const lines = ['id,parent,name,amount'];
  for (let row = 1; row <= ROWS; row++) {
    const bad = row % BAD_EVERY === 0 ? (row / BAD_EVERY) % 4 : -1;
    const [id, parent, name, amount] = [bad === 0 ? row - 1 : row, bad === 1 ? 1000 : row % 100, bad === 2 ? '' : `item ${row} ${'x'.repeat(row % 40)}`, bad === 3 ? 'many' : `${row % 1000}.50`];
    lines.push(`${id},${parent},${name},${amount}`);
  }
  return `${lines.join('\n')}\n`;
}
