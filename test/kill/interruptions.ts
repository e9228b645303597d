/** The ways in which a load is interrupted. Each one leaves with a load that has come to its end and was found whole. */
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildProcess } from 'node:child_process';
import type { CuttingProxy } from './cutting-proxy.ts';
import type { Ended, LoadUnderTest } from './load-under-test.ts';
import { isComplete } from './load-under-test.ts';
import type { Moment } from './moment.ts';

/** How long a run takes, and its part before the first connection to the target: milliseconds. */
export interface Timing {
  readonly start: number;
  readonly whole: number;
}

/** A run without any harm, which all others are compared with. @returns what it made durable on this machine, and how often */
export async function observe(load: LoadUnderTest, notes: string): Promise<Map<string, number>> {
  await load.reset();
  rmSync(notes, { force: true });
  appendFileSync(notes, '');
  await finishWhole(load, await load.finish(load.start({ SLUICE_KILL_NOTES: notes })));
  const seen = new Map<string, number>();
  for (const label of readFileSync(notes, 'utf8').split('\n').filter(Boolean)) seen.set(label, (seen.get(label) ?? 0) + 1);
  return seen;
}

/** The time of a run without any harm. */
export async function measure(load: LoadUnderTest, proxy?: CuttingProxy): Promise<Timing> {
  await load.reset();
  proxy?.arm();
  const begun = performance.now();
  const ended = await load.finish(load.start());
  const whole = performance.now() - begun;
  await finishWhole(load, ended);
  return { start: proxy?.firstAt === undefined ? whole * 0.2 : proxy.firstAt - begun, whole };
}

/** Does something to the load when the proxy sees that moment. False when the moment did not come. */
export async function harmOnTheWire(load: LoadUnderTest, proxy: CuttingProxy, moment: Moment, harm: (child: ChildProcess) => Promise<void> | void): Promise<boolean> {
  await load.reset();
  const child = load.start();
  let harmed: Promise<void> | undefined;
  proxy.arm(moment, () => { harmed = Promise.resolve(harm(child)); });
  const ended = await load.finish(child);
  proxy.arm();
  await harmed;
  await finishWhole(load, ended);
  return harmed !== undefined;
}

/** Ends the process by itself at that moment. False when the moment did not come. */
export async function killInside(load: LoadUnderTest, moment: Moment): Promise<boolean> {
  await load.reset();
  const child = load.start({ SLUICE_KILL_AT: JSON.stringify(moment) });
  const ended = await load.finish(child);
  await finishWhole(load, ended);
  return child.signalCode === 'SIGKILL';
}

/** Kills the import at a random instant, some also while they are being resumed. @returns how many kills hit a live process */
export async function killAtRandom(load: LoadUnderTest, timing: Timing, random: () => number, most: number): Promise<number> {
  await load.reset();
  let child = load.start();
  let hits = 0;
  let last: Ended | undefined;
  for (let left = Math.min(most, 1 + Math.floor(random() * 3)); ; left--) {
    const ended = load.finish(child);
    await Promise.race([ended, sleep(instant(timing, random))]);
    child.kill('SIGKILL');
    last = await ended;
    if (child.signalCode === 'SIGKILL') hits++;
    const run = await load.run();
    if (left <= 1 || run?.status === 'done') break;
    child = run?.resumable === true ? load.resume() : load.start();
  }
  await finishWhole(load, last);
  return hits;
}

export async function harmAtRandom(load: LoadUnderTest, timing: Timing, random: () => number, harm: () => Promise<void>): Promise<boolean> {
  await load.reset();
  const child = load.start();
  const ended = load.finish(child);
  await Promise.race([ended, sleep(instant(timing, random))]);
  const isUnderWay = child.exitCode === null;
  await harm();
  await finishWhole(load, await ended);
  return isUnderWay;
}

/** Runs the load while something is short, mends that, and lets it come to its end. @returns whether it failed at first, and with which code */
export async function failAndMend(load: LoadUnderTest, harm: () => Promise<void> | void, mend: () => Promise<void> | void): Promise<string | undefined> {
  await load.reset();
  await harm();
  let ended: Ended;
  try {
    ended = await load.finish(load.start());
  } finally {
    await mend();
  }
  await finishWhole(load, isComplete(ended) ? undefined : ended);
  if (isComplete(ended)) return undefined;
  return /"code": ?"([A-Z_]+)"/.exec(ended.stdout)?.[1] ?? ended.stderr.trim();
}

async function finishWhole(load: LoadUnderTest, ended: Ended | undefined): Promise<void> {
  await load.assertComplete(await load.complete(ended));
}

function instant({ start, whole }: Timing, random: () => number): number {
  return start + random() * (whole - start);
}

/** Mulberry32: the same numbers for the same seed. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
