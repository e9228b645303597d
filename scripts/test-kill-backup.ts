/**
 * `npm run test:kill-backup`: SIGKILL at random instants of backups and of restores of a whole database, again and again, until they come to their end.
 *
 * After each kill of a backup: the repository verifies, every backup that is listed is whole, no lock holds up the next, and not one transaction id was given at the source: nobody wrote. The run is then
 * resumed, or the same command is said again. After each kill of a restore it is resumed, and in the end the database has everything of the original; or it is given up, and is what it was. With --clean, what was
 * there is there until its replacement is complete.
 *
 *   --backup N    kills of backups (default 100)
 *   --restore N   kills of restores (default 100)
 *   --server N    kills of the server during restores (default 20)
 *   --seed S      of the random instants (default 1)
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadOddities, runSqlFile } from '../test/backup/checklist/load.ts';
import { startPostgres, type PostgresServer } from '../test/helpers/postgres-server.ts';
import { ask } from '../test/helpers/ask.ts';
import { assertDone, assertValid, KilledSluice, nextTransaction, sessionsGone } from '../test/kill/backup-kills.ts';
import { differences, fingerprint } from '../test/kill/database-fingerprint.ts';
import { generator } from '../test/kill/interruptions.ts';

const { values } = parseArgs({ options: { backup: { type: 'string', default: '100' }, restore: { type: 'string', default: '100' }, server: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } } });
const random = generator(Number(values.seed));
const started = performance.now();
const folder = mkdtempSync(join(tmpdir(), 'sluice-kill-backup-'));
const sluice = new KilledSluice(join(folder, 'workspace'));
const figures: string[] = [];
/** A crash of the server empties unlogged tables. */
const UNLOGGED = ['rows large.scratch', 'rows odd.unlogged_'];

async function everything(server: PostgresServer): Promise<void> {
  const source = await server.createDatabase('original');
  await loadOddities(source);
  await runSqlFile(source, join(import.meta.dirname, '../test/kill/killed-database.sql'));
  const original = await fingerprint(source);
  const repository = join(folder, 'repository');
  await about('backups', () => killBackups(source, repository, Number(values.backup)));
  // Nothing was changed at the source, but by ourselves.
  const [before, now] = [original, await fingerprint(source)].map((lines) => lines.filter((line) => !line.startsWith('rows large.orders') && !line.startsWith('sequence large orders')));
  same(before, now, 'the source');
  const whole = join(folder, 'whole');
  assertDone(await sluice.run(['backup', source, '--to', whole]), 'a backup');
  const restores = await Restores.prepare(server, whole);
  await about('restores', () => restores.kill(Number(values.restore), 'Sluice'));
  await about('restores', () => restores.kill(Number(values.server), 'server'));
  if (await assertValid(whole) !== 1) throw new Error('the repository has changed');
}

/** Now into a new repository, now into one that has backups and leftovers. */
async function killBackups(source: string, repository: string, wanted: number): Promise<void> {
  const begun = performance.now();
  const length = await timed(async () => assertDone(await sluice.run(['backup', source, '--to', repository]), 'a backup'));
  let backups = await assertValid(repository), rounds = 0, listed = 0, resumed = 0;
  sluice.kills = 0;
  while (sluice.kills < wanted) {
    rounds++;
    sluice.forget();
    if (random() < 0.3) {
      rmSync(repository, { recursive: true });
      backups = 0;
    }
    await ask(source, `INSERT INTO large.orders (customer, at, note) SELECT 1 + i % 5000, now(), repeat(md5((i + ${rounds})::text), 3) FROM generate_series(1, ${Math.ceil(random() * 3000)}) AS i`);
    const transaction = await nextTransaction(source);
    let ended = await sluice.run(['backup', source, '--to', repository], 200 + random() * length);
    for (let again = Math.floor(random() * 3); again > 0 && ended.code !== 0; again--) {
      backups = await stillWhole(repository, backups, () => listed++);
      ended = await sluice.run(await sameAgain(source, repository), 200 + random() * length);
    }
    backups = await stillWhole(repository, backups, () => listed++);
    await sessionsGone(source);
    if (ended.code !== 0) {
      const args = await sameAgain(source, repository);
      if (args[0] === 'runs') resumed++;
      assertDone(await sluice.run(args), args.join(' '));
      if (await assertValid(repository) !== backups + 1) throw new Error('the backup is not listed');
      backups++;
    }
    if (await nextTransaction(source) !== transaction) throw new Error('something was written at the source');
    if (rounds % 10 === 0) say(`backup: ${sluice.kills} kills, ${backups} backups in the repository, whole`);
  }
  assertDone(await sluice.run(['verify', repository, '--against', source]), 'verify --against');
  figures.push(`SIGKILL during backup: ${sluice.kills} in ${rounds} backups, of which ${listed} were listed when the kill came; ${resumed} resumed as runs, the others by the same command; ${seconds(begun)}`);
}

async function stillWhole(repository: string, before: number, onListed: () => void): Promise<number> {
  const now = await assertValid(repository);
  if (now !== before && now !== before + 1) throw new Error(`${now} backups are listed, and there were ${before}`);
  if (now > before) onListed();
  return now;
}

async function sameAgain(source: string, repository: string): Promise<string[]> {
  const run = await sluice.newest();
  return run?.resumable === true ? ['runs', 'resume', run.run, '--from', source] : ['backup', source, '--to', repository];
}

type Way = 'new' | 'clean' | 'data';

class Restores {
  readonly #server: PostgresServer;
  readonly #repository: string;
  /** What each way comes to without a kill, and what was there before it. */
  readonly #wanted = new Map<Way, { template: string | undefined; before: string[]; after: string[]; milliseconds: number }>();
  #count = 0;

  private constructor(server: PostgresServer, repository: string) {
    this.#server = server;
    this.#repository = repository;
  }

  static async prepare(server: PostgresServer, repository: string): Promise<Restores> {
    const all = new Restores(server, repository);
    const plain = await all.#measure('new', undefined);
    // As a restore by pg_restore: see the round trips. Here what counts is that a kill changes nothing.
    assertDone(await sluice.run(['verify', repository, '--against', plain]), 'verify --against');
    const changed = await all.#database(plain);
    await ask(changed, `UPDATE large.orders SET note = 'changed'; DELETE FROM large.embeddings WHERE id % 3 = 0; CREATE SCHEMA mine; CREATE TABLE mine.own AS SELECT 1 AS a; SELECT lo_unlink(6000003)`);
    await all.#measure('clean', changed);
    const emptied = await all.#database(plain);
    // It would count the staging tables of the load.
    await ask(emptied, 'DROP EVENT TRIGGER "on; command"; TRUNCATE large.orders, large.customers, large.embeddings, large.documents');
    await all.#measure('data', emptied);
    await ask(server.url, 'CHECKPOINT');
    return all;
  }

  async kill(wanted: number, what: 'Sluice' | 'server'): Promise<void> {
    const begun = performance.now();
    sluice.kills = 0;
    const counts = { rounds: 0, resumed: 0, givenUp: 0, again: 0, crashes: 0 };
    while ((what === 'Sluice' ? sluice.kills : counts.crashes) < wanted) {
      counts.rounds++;
      const way = random() < 0.5 ? 'new' : random() < 0.7 ? 'clean' : 'data';
      await about(`${way}, round ${counts.rounds}`, () => this.#round(way, what, counts));
      if (counts.rounds % 10 === 0) say(`restore: ${what === 'Sluice' ? sluice.kills : counts.crashes} kills of ${what}, whole`);
    }
    figures.push(`SIGKILL of ${what} during restore: ${what === 'Sluice' ? sluice.kills : counts.crashes} in ${counts.rounds} restores (new database, --clean, --data-only); ${counts.resumed} resumed, ${counts.givenUp} given up, ${counts.again} begun anew because nothing had begun; ${seconds(begun)}`);
  }

  async #round(way: Way, what: 'Sluice' | 'server', counts: { resumed: number; givenUp: number; again: number; crashes: number }): Promise<void> {
    const { template, before, after, milliseconds } = this.#wanted.get(way)!;
    const target = await this.#database(template);
    sluice.forget();
    const args = this.#args(way, target);
    if (what === 'server') {
      const running = sluice.run(args);
      await Promise.race([running, pause(200 + random() * milliseconds)]);
      counts.crashes++;
      await this.#server.kill('SIGKILL');
      await this.#server.restart();
      if ((await running).code === 0) return this.#ended(target, after, way, true);
    } else {
      let ended = await sluice.run(args, 200 + random() * milliseconds);
      // One that was killed behind its end is done: the same command again would find a database that is full.
      for (let again = Math.floor(random() * 3); again > 0 && ended.code !== 0 && (await sluice.newest())?.status !== 'done'; again--) ended = await sluice.run(await this.#goOn(args, target, counts), 200 + random() * milliseconds);
      if (ended.code === 0) return this.#ended(target, after, way);
    }
    await sessionsGone(target);
    const run = await sluice.newest();
    if (run?.status === 'done') return this.#ended(target, after, way, true);
    if (run?.resumable === true && random() < 0.4) {
      const discarded = await sluice.run(['runs', 'discard', run.run, '--to', target]);
      // Killed behind its publication, or while it dropped what it had replaced: it can only go on.
      const isTooLate = way !== 'new' && discarded.stderr.includes('DISCARD_REFUSED');
      if (!isTooLate) {
        assertDone(discarded, 'runs discard');
        counts.givenUp++;
        // What the server itself empties in a crash nobody gives back.
        const kept = (lines: readonly string[]): readonly string[] => (what === 'server' ? without(lines, UNLOGGED) : lines);
        same(kept(before), kept(await fingerprint(target)), `${way}, given up`);
        return this.#drop(target);
      }
    }
    const goOn = await this.#goOn(args, target, counts);
    assertDone(await sluice.run(goOn), goOn.join(' '));
    // What the crash has emptied comes back with the restore, if it is of these tables.
    return this.#ended(target, after, way, what === 'server' && way === 'data');
  }

  async #goOn(args: readonly string[], target: string, counts: { resumed: number; again: number }): Promise<readonly string[]> {
    const run = await sluice.newest();
    if (run?.resumable !== true) {
      counts.again++;
      return args;
    }
    counts.resumed++;
    return ['runs', 'resume', run.run, '--to', target];
  }

  /** @param lost a crash of the server after the end of a restore empties unlogged tables */
  async #ended(target: string, after: readonly string[], way: Way, lost = false): Promise<void> {
    let found = await fingerprint(target), isTidied = false;
    // A run that died between the record of its end and tidying up: the next one tidies up for it.
    if (found.some((line) => /^(?:schema|relation .*) sluice_[0-9a-z]{14}/.test(line))) {
      assertDone(await sluice.run(['restore', this.#repository, '--to', target, '--data-only', '--table', 'odd.fully_identified']), 'a restore that tidies up');
      found = await fingerprint(target);
      isTidied = true;
    }
    // An event trigger counts the tables of the run that tidies up.
    const ignored = [...(lost ? UNLOGGED : []), ...(isTidied ? ['rows odd.uses_shared_1', 'sequence odd shared_by_tables'] : [])];
    same(without(after, ignored), without(found, ignored), way);
    await this.#drop(target);
  }

  async #measure(way: Way, template: string | undefined): Promise<string> {
    const target = await this.#database(template);
    const before = await fingerprint(target);
    const milliseconds = await timed(async () => assertDone(await sluice.run(this.#args(way, target)), `a restore (${way})`));
    this.#wanted.set(way, { template, before, after: await fingerprint(target), milliseconds });
    say(`restore (${way}): ${milliseconds.toFixed(0)} ms`);
    return target;
  }

  #args(way: Way, target: string): string[] {
    const options = way === 'new' ? [] : way === 'clean' ? ['--clean', '--yes'] : ['--data-only', '--table', 'large.orders,large.customers,large.embeddings,large.documents'];
    return ['restore', this.#repository, '--to', target, '--jobs', '2', ...options];
  }

  async #database(template: string | undefined): Promise<string> {
    const name = `target_${++this.#count}`;
    await ask(this.#server.url, `CREATE DATABASE ${name} TEMPLATE ${template === undefined ? 'template0' : new URL(template).pathname.slice(1)}`);
    const url = new URL(this.#server.url);
    url.pathname = `/${name}`;
    return url.href;
  }

  async #drop(target: string): Promise<void> {
    // A subscription keeps its database from being dropped.
    for (const [name] of await ask(target, 'SELECT quote_ident(subname) FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid AND d.datname = current_database()')) await ask(target, `DROP SUBSCRIPTION ${name}`);
    await ask(this.#server.url, `DROP DATABASE ${new URL(target).pathname.slice(1)} WITH (FORCE)`);
  }
}

function without(lines: readonly string[], ignored: readonly string[]): readonly string[] {
  return lines.filter((line) => !ignored.some((beginning) => line.startsWith(beginning)));
}

function same(wanted: readonly string[], found: readonly string[], what: string): void {
  const lines = differences(wanted, found);
  if (lines.length > 0) throw new Error(`${what} is not as it should be:\n${lines.slice(0, 20).map((line) => line.slice(0, 300)).join('\n')}\n(${lines.length} lines)`);
}

async function about<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(0)} s`;
}

function say(text: string): void {
  console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`);
}

const alive = setInterval(() => {}, 60_000);
let server: PostgresServer | undefined;
try {
  // Without autovacuum: it takes transaction ids of its own.
  server = await startPostgres({ version: 'debian', settings: { wal_level: 'logical', autovacuum: 'off', max_wal_size: '2GB' } });
  await everything(server);
  say(`Every repository valid, every run at its end, every row once (seed ${values.seed}):`);
  for (const figure of figures) say(`  ${figure}`);
} finally {
  clearInterval(alive);
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}
