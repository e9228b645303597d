/**
 * `npm run test:kill`: kills Sluice, and separately the PostgreSQL server, at every durability boundary and at seeded random instants of an import, resumes, and
 * checks that every row is there exactly once, that the quarantine is the same as without an interruption, and that nothing is left behind.
 *
 *   --sluice N   random kills of Sluice (default 100)
 *   --server N   random kills of the server (default 25)
 *   --seed S     default 1
 *   --random     only the random kills, not every durability boundary
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startPostgres } from '../test/helpers/postgres-server.ts';
import { CuttingProxy, type Moment } from '../test/kill/cutting-proxy.ts';
import { ImportUnderTest } from '../test/kill/import-under-test.ts';

const { values } = parseArgs({ options: { sluice: { type: 'string', default: '100' }, server: { type: 'string', default: '25' }, seed: { type: 'string', default: '1' }, random: { type: 'boolean', default: false } } });

/** What makes something durable: the statements around which a kill could lose or double rows. */
const BOUNDARIES: readonly (readonly [string, RegExp])[] = [
  ['COMMIT', /COMMIT/],
  ['entry of a part', /_(?:staged|ledger)" VALUES \('part'/],
  ['entry of the publication', /VALUES \('published'/],
  ['dropping the ledger', /DROP TABLE IF EXISTS .*_ledger/],
];

const folder = mkdtempSync(join(tmpdir(), 'sluice-kill-'));
const server = await startPostgres({ settings: { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' } });
const proxy = await CuttingProxy.open(server.port);
const through = new URL(server.url);
through.port = String(proxy.port);
const subject = new ImportUnderTest(folder, through.href, server.url);
const counts = { sluice: 0, boundaries: 0, cuts: 0, server: 0 };
const started = performance.now();
try {
  const whole = await reference();
  if (!values.random) {
    await boundaries('SIGKILL');
    await boundaries('cut');
  }
  await randomKills(whole);
  await serverKills(whole);
  console.log(`\nEvery row exactly once, in ${((performance.now() - started) / 1000).toFixed(0)} s: ${counts.boundaries} kills of Sluice at durability boundaries, ${counts.cuts} connections cut there, `
    + `${counts.sluice} kills of Sluice and ${counts.server} of the server at random instants (seed ${values.seed}).`);
} finally {
  await proxy.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** One run without any harm: what all others are compared with. @returns how long it takes, in milliseconds */
async function reference(): Promise<number> {
  await subject.reset();
  const begun = performance.now();
  await subject.assertComplete(await subject.complete());
  const took = performance.now() - begun;
  console.log(`reference: ${(took / 1000).toFixed(1)} s`);
  return took;
}

/** Before and behind each statement of each kind, until an import comes to its end without having met it. */
async function boundaries(how: 'SIGKILL' | 'cut'): Promise<void> {
  for (const [name, text] of BOUNDARIES) {
    for (const when of ['before', 'sent'] as const) {
      for (let nth = 1; await harmAt({ nth, text, when }, how); nth++) {
        console.log(`${how} ${when === 'before' ? 'before' : 'behind'} ${name} ${nth}: whole`);
        if (how === 'SIGKILL') counts.boundaries++;
        else counts.cuts++;
      }
    }
  }
}

/** False when the import ended before that moment came. */
async function harmAt(moment: Moment, how: 'SIGKILL' | 'cut'): Promise<boolean> {
  await subject.reset();
  const child = subject.start();
  let harmed = false;
  proxy.arm(moment, () => {
    harmed = true;
    if (how === 'SIGKILL') child.kill('SIGKILL');
    proxy.cut();
  });
  const ended = await subject.finish(child);
  proxy.arm(undefined);
  // A connection that was cut may have been mended on the way.
  const receipt = ended.code === 0 || ended.code === 3 ? ended.stdout : await subject.complete();
  await subject.assertComplete(receipt);
  return harmed;
}

async function randomKills(whole: number): Promise<void> {
  const random = generator(Number(values.seed));
  while (counts.sluice < Number(values.sluice)) {
    await subject.reset();
    // Some runs are killed several times over, also while they are being resumed.
    let child = subject.start();
    const kills = 1 + Math.floor(random() * 3);
    for (let kill = 0; kill < kills && counts.sluice < Number(values.sluice); kill++) {
      const ended = subject.finish(child);
      const at = random() * whole;
      await Promise.race([ended, sleep(at)]);
      child.kill('SIGKILL');
      await ended;
      counts.sluice++;
      const run = await subject.run();
      if (run?.status === 'done') break;
      if (kill + 1 < kills) child = run?.resumable === true ? subject.resume() : subject.start();
    }
    await subject.assertComplete(await subject.complete());
    console.log(`random kills of Sluice: ${counts.sluice}, whole`);
  }
}

async function serverKills(whole: number): Promise<void> {
  const random = generator(Number(values.seed) + 1);
  for (; counts.server < Number(values.server); counts.server++) {
    await subject.reset();
    const ended = subject.finish(subject.start());
    await Promise.race([ended, sleep(random() * whole)]);
    await server.kill('SIGKILL');
    await server.restart();
    const { code, stdout } = await ended;
    await subject.assertComplete(code === 0 || code === 3 ? stdout : await subject.complete());
    console.log(`random kills of the server: ${counts.server + 1}, whole`);
  }
}

/** Mulberry32: the same numbers for the same seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
