/** The import that is interrupted again and again: the command, and what must be true when it has come to its end at last. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LEASE_MS, RunStore, type RunListing } from '../../src/jobs/run-store.ts';
import { PART_SIZE } from './source-files.ts';
import type { Target } from './target.ts';

const SLUICE = join(import.meta.dirname, '../../bin/sluice');
const HOOKS = join(import.meta.dirname, 'killing-hooks.ts');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface LoadParts {
  readonly target: Target;
  readonly source: { readonly folder: string; readonly rows: number };
  /** Emptied before each import. */
  readonly workspace: string;
  readonly onError: 'stop' | 'quarantine';
}

export class LoadUnderTest {
  readonly #parts: LoadParts;
  #expected: { rows: string; quarantine: string } | undefined;

  constructor(parts: LoadParts) {
    this.#parts = parts;
  }

  /** The target as before, and an empty workspace. */
  async reset(): Promise<void> {
    rmSync(this.#parts.workspace, { recursive: true, force: true });
    mkdirSync(this.#parts.workspace);
    await this.#parts.target.reset();
  }

  /** @param hooks what killing-hooks.ts is told; without them it is not loaded */
  start(hooks?: Readonly<Record<string, string>>): ChildProcess {
    const { source, target, onError } = this.#parts;
    return this.#spawn(['import', source.folder, '--to', target.url, '--on-error', onError, '--part-size', PART_SIZE, '--jobs', '2', '--json', '--quiet'], hooks);
  }

  resume(): ChildProcess {
    // The password is not in the run's record.
    return this.#spawn(['runs', 'resume', '--to', this.#parts.target.url, '--json', '--quiet']);
  }

  async finish(child: ChildProcess): Promise<Ended> {
    let stdout = '';
    let stderr = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
    const [code] = await once(child, 'close') as [number | null];
    return { code, stdout, stderr };
  }

  /** The newest run of the workspace; undefined when it left no record. */
  async run(): Promise<RunListing | undefined> {
    const store = await RunStore.openExisting(this.#parts.workspace);
    try {
      return store?.list(1)[0];
    } finally {
      store?.close();
    }
  }

  /** Brings the interrupted run to its end, or begins again where nothing had begun. Gives the receipt. */
  async complete(ended?: Ended): Promise<string> {
    let last = ended;
    for (let attempt = 0; attempt < 10; attempt++) {
      if (last !== undefined && isComplete(last)) return last.stdout;
      const run = await this.run();
      if (run?.status === 'done') return this.#receipt(run.run);
      // Its owner's number has been given to another process: then only the lease tells that it is gone.
      if (run?.status === 'running') {
        await sleep(LEASE_MS);
        continue;
      }
      // Who fails before anything is moved has lost nothing; whoever has begun must not be lost for that.
      if (run !== undefined && (run.status === 'failed' || run.status === 'cancelled') && await this.#hasBegun(run.run)) throw new Error(`it is ${run.status}, and cannot be resumed: ${last?.stdout}${last?.stderr}`);
      last = await this.finish(run?.resumable === true ? this.resume() : this.start());
    }
    throw new Error(`does not come to its end: ${last?.stderr}`);
  }

  /** Every row exactly once, every bad row in the quarantine exactly once, a balanced receipt, nothing left behind. */
  async assertComplete(receipt: string): Promise<void> {
    const { target, source } = this.#parts;
    const found = { rows: await target.contents(), quarantine: await this.#quarantine() };
    this.#expected ??= found;
    if (found.rows !== this.#expected.rows) throw new Error(`other rows than without an interruption: ${found.rows}, not ${this.#expected.rows}`);
    if (found.quarantine !== this.#expected.quarantine) throw new Error(`another quarantine than without an interruption: ${found.quarantine}, not ${this.#expected.quarantine}`);
    const { totals } = JSON.parse(receipt) as { totals: Record<string, number> };
    if (totals.read !== totals.written + totals.rejected + totals.duplicate + totals.skipped || totals.read !== source.rows) throw new Error(`the receipt does not balance: ${JSON.stringify(totals)}`);
    const left = await target.leftovers();
    // A run that died between the record of its end and tidying up: the next one of the workspace tidies up for it.
    if (left.length > 0) await this.#assertTidied();
  }

  async #assertTidied(): Promise<void> {
    const { target } = this.#parts;
    const ended = await this.finish(this.#spawn(['import', '-', '--format', 'csv', '--to', target.url, '--table', 'later', '--json', '--quiet'], undefined, 'a\n1\n'));
    const left = await target.leftovers();
    if (ended.code !== 0 || left.length > 0) throw new Error(`left behind: ${left.join(', ')}; ${ended.stderr}`);
  }

  async #hasBegun(run: string): Promise<boolean> {
    const store = await RunStore.openExisting(this.#parts.workspace);
    try {
      return store!.stateOf(run) !== null;
    } finally {
      store!.close();
    }
  }

  async #receipt(run: string): Promise<string> {
    const store = await RunStore.openExisting(this.#parts.workspace);
    try {
      return JSON.stringify(store!.show(run).receipt);
    } finally {
      store!.close();
    }
  }

  async #quarantine(): Promise<string> {
    if (this.#parts.onError === 'stop') return 'none';
    const run = (await this.run())!.run;
    const lines = readFileSync(join(this.#parts.workspace, 'quarantine', run, 'rows.ndjson'), 'utf8').trimEnd().split('\n');
    const bare = lines.map((line) => {
      const { run: _run, ...row } = JSON.parse(line) as Record<string, unknown>;
      return JSON.stringify(row);
    });
    return `${lines.length} ${createHash('sha256').update(bare.join('\n')).digest('hex')}`;
  }

  #spawn(args: string[], hooks?: Readonly<Record<string, string>>, input?: string): ChildProcess {
    const env = { ...process.env, SLUICE_HOME: this.#parts.workspace, ...(hooks === undefined ? {} : { NODE_OPTIONS: `--import=${HOOKS}`, ...this.#parts.target.env, ...hooks }) };
    const child = spawn(SLUICE, args, { env, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
    child.stdin?.end(input);
    return child;
  }
}

/** With 3 rows were rejected. */
export function isComplete(ended: Ended): boolean {
  return ended.code === 0 || ended.code === 3;
}
