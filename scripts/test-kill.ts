/**
 * `npm run test:kill`: interrupts imports in every way that a night may have, lets them be resumed, and checks that every row is there exactly once, that the quarantine is the same as without
 * an interruption, that the receipt balances, and that nothing is left behind.
 *
 *   --sluice N   SIGKILL of Sluice at random instants, PostgreSQL as target (default 100)
 *   --server N   SIGKILL of the PostgreSQL server at random instants (default 100)
 *   --duckdb N   SIGKILL of Sluice at random instants, DuckDB as target (default 40)
 *   --seed S     of the random instants (default 1)
 *   --only NAME  one of: boundaries, random, server, full-disk, duckdb (may be repeated)
 *
 * The full disks need root (a small disk is mounted); without it they are left out, and the last line says so.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres, type PostgresServer } from '../test/helpers/postgres-server.ts';
import { CuttingProxy } from '../test/kill/cutting-proxy.ts';
import { DuckdbTarget } from '../test/kill/duckdb-target.ts';
import { fullServerDisk, fullWorkspace } from '../test/kill/full-disk.ts';
import { generator, harmAtRandom, harmOnTheWire, killAtRandom, killInside, measure, observe } from '../test/kill/interruptions.ts';
import { LoadUnderTest } from '../test/kill/load-under-test.ts';
import { isAtCommit, momentsOf, momentText, type Moment } from '../test/kill/moment.ts';
import { PostgresTarget } from '../test/kill/postgres-target.ts';
import { writeSource } from '../test/kill/source-files.ts';

const { values } = parseArgs({ options: {
  sluice: { type: 'string', default: '100' }, server: { type: 'string', default: '100' }, duckdb: { type: 'string', default: '40' },
  seed: { type: 'string', default: '1' }, only: { type: 'string', multiple: true },
} });
const seed = Number(values.seed);
const started = performance.now();
const folder = mkdtempSync(join(tmpdir(), 'sluice-kill-'));
const workspace = join(folder, 'workspace');
const all = writeSource(join(folder, 'all'), 'bad');
const free = writeSource(join(folder, 'free'), 'free');
const figures: string[] = [];
// The server's process does not keep this one alive.
const alive = setInterval(() => {}, 60_000);
try {
  await onPostgres();
  if (isWanted('duckdb')) await onDuckdb();
  say(`Every row exactly once, every receipt balanced, nothing left behind (seed ${seed}):`);
  for (const figure of figures) say(`  ${figure}`);
} finally {
  clearInterval(alive);
  rmSync(folder, { recursive: true, force: true });
}

async function onPostgres(): Promise<void> {
  const server = await startPostgres({ settings: { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' } });
  try {
    const proxy = await CuttingProxy.open(server.port);
    try {
      const through = new URL(server.url);
      through.port = String(proxy.port);
      const load = new LoadUnderTest({ target: new PostgresTarget(through.href, server.url), source: all, workspace, onError: 'quarantine' });
      await aroundPostgres(load, proxy, server);
    } finally {
      await proxy.close();
    }
    if (isWanted('full-disk')) {
      figures.push(await fullServerDisk(server, all, workspace, say));
      figures.push(await fullWorkspace(server, all, folder, say));
    }
  } finally {
    await server.stop();
  }
}

async function aroundPostgres(load: LoadUnderTest, proxy: CuttingProxy, server: PostgresServer): Promise<void> {
  const timing = await measure(load, proxy);
  say(`PostgreSQL: a run takes ${timing.whole.toFixed(0)} ms, of which ${timing.start.toFixed(0)} before the first connection`);
  if (isWanted('boundaries')) {
    proxy.arm();
    const inside = await observe(load, join(folder, 'notes'));
    const onTheWire = momentsOf(proxy.seen);
    figures.push(await boundaries('SIGKILL of Sluice at boundaries in the server', onTheWire, (moment) => harmOnTheWire(load, proxy, moment, (child) => {
      child.kill('SIGKILL');
      proxy.cut();
    })));
    figures.push(await boundaries('connection cut around COMMIT', onTheWire.filter(isAtCommit), (moment) => harmOnTheWire(load, proxy, moment, () => proxy.cut())));
    figures.push(await boundaries('SIGKILL of the server around COMMIT', onTheWire.filter(isAtCommit), (moment) => harmOnTheWire(load, proxy, moment, () => crash(server))));
    figures.push(await boundaries('SIGKILL of Sluice at boundaries in the workspace', momentsOf(inside), (moment) => killInside(load, moment)));
  }
  if (isWanted('random')) figures.push(await atRandom('SIGKILL of Sluice at random instants', Number(values.sluice), (random, most) => killAtRandom(load, timing, random, most)));
  if (isWanted('server')) figures.push(await atRandom('SIGKILL of the server at random instants', Number(values.server), async (random) => (await harmAtRandom(load, timing, random, () => crash(server)) ? 1 : 0)));
}

/** DuckDB publishes a run in one transaction: with a quarantine from a scratch database, without one from the transaction of the whole run. */
async function onDuckdb(): Promise<void> {
  const target = await DuckdbTarget.open(folder);
  for (const [onError, source] of [['quarantine', all], ['stop', free]] as const) {
    const load = new LoadUnderTest({ target, source, workspace, onError });
    const timing = await measure(load);
    say(`DuckDB, --on-error ${onError}: a run takes ${timing.whole.toFixed(0)} ms`);
    const inside = await observe(load, join(folder, 'notes'));
    figures.push(await boundaries(`SIGKILL of Sluice at boundaries of DuckDB and the workspace (--on-error ${onError})`, momentsOf(inside), (moment) => killInside(load, moment)));
    figures.push(await atRandom(`SIGKILL of Sluice at random instants, DuckDB (--on-error ${onError})`, Math.ceil(Number(values.duckdb) / 2), (random, most) => killAtRandom(load, timing, random, most)));
  }
}

async function boundaries(name: string, moments: readonly Moment[], harm: (moment: Moment) => Promise<boolean>): Promise<string> {
  const begun = performance.now();
  let hits = 0;
  for (const moment of moments) {
    const isHit = await about(`${name}, ${momentText(moment)}`, () => harm(moment));
    say(`${name}, ${momentText(moment)}: ${isHit ? 'whole' : 'did not come, whole'}`);
    if (isHit) hits++;
  }
  return `${name}: ${hits} of ${moments.length}, ${seconds(begun)}`;
}

async function atRandom(name: string, wanted: number, harm: (random: () => number, most: number) => Promise<number>): Promise<string> {
  const begun = performance.now();
  const random = generator(seed);
  let [hits, runs] = [0, 0];
  while (hits < wanted) {
    hits += await about(`${name}, run ${++runs}`, () => harm(random, wanted - hits));
    if (runs % 10 === 0) say(`${name}: ${hits} so far, whole`);
  }
  return `${name}: ${hits} in ${runs} runs, ${seconds(begun)}`;
}

async function about<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * All its processes at once, as when the machine fails. Backends that outlive the postmaster roll back in good order but can log it no more: PostgreSQL 18 then finds the file of an unlogged table that it
 * is about to make again ("could not create file: File exists"), and does not start.
 */
async function crash(server: PostgresServer): Promise<void> {
  if (server.pid !== undefined) {
    // So that it cannot react to the end of its children.
    process.kill(server.pid, 'SIGSTOP');
    for (const child of childrenOf(server.pid)) process.kill(child, 'SIGKILL');
  }
  await server.kill('SIGKILL');
  await server.restart();
}

/** Empty where the system does not say. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function isWanted(name: string): boolean {
  return values.only === undefined || values.only.includes(name);
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(0)} s`;
}

function say(text: string): void {
  console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`);
}
