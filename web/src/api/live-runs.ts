/**
 * Progress of all runs of the server, live: one stream of server-sent events for the whole page. The browser comes back by itself with the last id that it has seen, and the server sends what is
 * newer; counters are totals, so that nothing is missed. Of each run the newest state is kept here, with samples for its curves (so many that a curve stays fine: then every second one goes);
 * what was before this page was there the server has kept (`useCourse`).
 */
import { useQuery } from '@tanstack/react-query';
import { useMemo, useSyncExternalStore } from 'react';
import type { CourseSample } from '../../../src/progress/run-course.ts';
import { courseQuery, queryClient } from './queries.ts';
import type { PartMapData, ProgressEvent } from './types.ts';

export type Sample = CourseSample;

export interface LiveTable {
  readonly rows: number;
  readonly bytes: number;
  readonly expectedRows: number | undefined;
  readonly expectedBytes: number | undefined;
  readonly isDone: boolean;
}

export interface LiveRun {
  readonly run: string;
  readonly job: string;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly status: 'running' | 'done' | 'failed' | 'cancelled';
  readonly phase: string | undefined;
  readonly tables: ReadonlyMap<string, LiveTable>;
  /** The parts of the run by state, where it has some. */
  readonly parts: PartMapData | undefined;
  readonly notes: readonly string[];
  readonly rssBytes: number;
  readonly samples: readonly Sample[];
}

export type StreamState = 'connecting' | 'open' | 'lost';

type Told = ProgressEvent & { readonly run: string };

const EVENT_TYPES: readonly ProgressEvent['type'][] = ['run-started', 'phase', 'table-started', 'table-progress', 'table-done', 'parts', 'resources', 'note', 'run-ended'];
/** What a run may have changed, as queries are called. */
const CHANGED_BY_RUNS = ['tables', 'rows', 'repositories', 'quarantine'];
const AGAIN_MS = 3000;
const SAMPLE_MS = 400;
const MOST_SAMPLES = 600;

let runs: ReadonlyMap<string, LiveRun> = new Map();
let state: StreamState = 'connecting';
let source: EventSource | undefined;
let scheduled = false;
const waiting: Told[] = [];
const listeners = new Set<() => void>();

export function useLiveRuns(): ReadonlyMap<string, LiveRun> {
  return useSyncExternalStore(subscribe, () => runs);
}

export function useLiveRun(run: string): LiveRun | undefined {
  return useSyncExternalStore(subscribe, () => runs.get(run));
}

/** How a run went, from its beginning: what the server has kept of it, and what was heard since. */
export function useCourse(run: string, live: LiveRun | undefined): readonly Sample[] {
  const kept = useQuery(courseQuery(run)).data;
  const heard = live?.samples;
  return useMemo(() => {
    if (kept === undefined || heard === undefined) return kept ?? heard ?? [];
    const [first, last] = [heard[0], heard.at(-1)];
    if (first === undefined || last === undefined || last.at <= (kept.at(-1)?.at ?? 0)) return kept;
    return [...kept.filter(({ at }) => at < first.at), ...heard];
  }, [kept, heard]);
}

export function useStreamState(): StreamState {
  return useSyncExternalStore(subscribe, () => state);
}

/** @param onRefused the server does not let this browser listen (any more) */
export function startLiveRuns(onRefused: () => void): void {
  source?.close();
  const opened = new EventSource('/api/v1/events');
  source = opened;
  opened.addEventListener('open', () => {
    // After a pause there may be runs that began and ended meanwhile.
    if (state === 'lost') void queryClient.invalidateQueries();
    setState('open');
  });
  opened.addEventListener('error', () => {
    if (source !== opened) return;
    setState('lost');
    if (opened.readyState !== EventSource.CLOSED) return;
    // After an answer that is none (a server that is about to stop, a proxy without one) a browser does not come back by itself.
    onRefused();
    setTimeout(() => { if (source === opened) startLiveRuns(onRefused); }, AGAIN_MS);
  });
  for (const type of EVENT_TYPES) {
    opened.addEventListener(type, (message) => {
      waiting.push(JSON.parse((message as MessageEvent<string>).data) as Told);
      schedule();
    });
  }
}

export function stopLiveRuns(): void {
  source?.close();
  source = undefined;
  runs = new Map();
  setState('connecting');
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function setState(next: StreamState): void {
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener();
}

/** What came at once is shown at once. */
function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => {
    scheduled = false;
    const changed = new Map(runs);
    for (const event of waiting.splice(0)) {
      const next = applied(changed.get(event.run), event);
      if (next !== undefined) changed.set(event.run, next);
      if (event.type === 'run-started' || event.type === 'run-ended') void queryClient.invalidateQueries({ queryKey: ['runs'] });
      if (event.type === 'run-ended') for (const key of CHANGED_BY_RUNS) void queryClient.invalidateQueries({ queryKey: [key] });
    }
    runs = changed;
    for (const listener of listeners) listener();
  }, 50);
}

function applied(before: LiveRun | undefined, event: Told): LiveRun | undefined {
  if (event.type === 'run-started') {
    return { run: event.run, job: event.job, startedAt: event.at, endedAt: undefined, status: 'running', phase: undefined, tables: new Map(), parts: undefined, notes: [], rssBytes: 0, samples: [] };
  }
  if (before === undefined) return undefined;
  switch (event.type) {
    case 'phase': return { ...before, phase: event.phase };
    case 'note': return { ...before, notes: [...before.notes.slice(-20), event.message] };
    case 'parts': return { ...before, parts: event };
    case 'resources': return sampled({ ...before, rssBytes: event.rssBytes }, event.at);
    case 'run-ended': return sampled({ ...before, status: event.status, endedAt: event.at }, event.at, true);
    case 'table-started': return withTable(before, event.table, { rows: 0, bytes: 0, expectedRows: event.expected.rows, expectedBytes: event.expected.bytes, isDone: false });
    case 'table-progress': return sampled(withTable(before, event.table, { rows: event.rows, bytes: event.bytes, expectedRows: event.expected.rows, expectedBytes: event.expected.bytes, isDone: false }), event.at);
    case 'table-done': return sampled(withTable(before, event.table, { ...before.tables.get(event.table), rows: event.rows, bytes: event.bytes, isDone: true }), event.at);
    default: return before;
  }
}

function withTable(run: LiveRun, name: string, table: Partial<LiveTable>): LiveRun {
  const whole: LiveTable = { rows: 0, bytes: 0, expectedRows: undefined, expectedBytes: undefined, isDone: false, ...table };
  return { ...run, tables: new Map(run.tables).set(name, whole) };
}

function sampled(run: LiveRun, at: number, always = false): LiveRun {
  const last = run.samples.at(-1);
  if (last !== undefined && (at <= last.at || (!always && at - last.at < SAMPLE_MS))) return run;
  let rows = 0;
  let bytes = 0;
  for (const table of run.tables.values()) {
    rows += table.rows;
    bytes += table.bytes;
  }
  const samples = [...run.samples, { at, rows, bytes, rssBytes: run.rssBytes }];
  return { ...run, samples: samples.length > MOST_SAMPLES ? samples.filter((_, index) => index % 2 === 0 || index === samples.length - 1) : samples };
}

/** What is done of the whole, from 0 to 1, when that is known: by bytes where they are known, because they flow evenly. */
export function shareOf(run: LiveRun): number | undefined {
  let done = 0;
  let whole = 0;
  for (const table of run.tables.values()) {
    const byBytes = table.expectedBytes !== undefined && table.expectedBytes > 0;
    const expected = byBytes ? table.expectedBytes : table.expectedRows;
    if (expected === undefined || expected <= 0) return undefined;
    done += table.isDone ? expected : Math.min(expected, byBytes ? table.bytes : table.rows);
    whole += expected;
  }
  return whole > 0 ? done / whole : undefined;
}

const RATE_WINDOW_MS = 6_000;

/** Per second, over the last seconds; undefined before there is enough to say. */
export function rateOf(run: LiveRun, what: 'rows' | 'bytes'): number | undefined {
  const last = run.samples.at(-1);
  if (last === undefined) return undefined;
  const first = run.samples.find((sample) => sample.at >= last.at - RATE_WINDOW_MS);
  const seconds = first === undefined ? 0 : (last.at - first.at) / 1000;
  return seconds < 0.7 ? undefined : (last[what] - first![what]) / seconds;
}

/** Nothing is said that would not be honest: without a known whole, or when nothing moves. */
export function secondsLeftOf(run: LiveRun): number | undefined {
  const share = shareOf(run);
  const last = run.samples.at(-1);
  const first = run.samples[0];
  if (share === undefined || share <= 0.005 || last === undefined || first === undefined || run.phase !== 'moving') return undefined;
  const bytesRate = rateOf(run, 'bytes') ?? 0;
  const rowsRate = rateOf(run, 'rows') ?? 0;
  if (bytesRate <= 0 && rowsRate <= 0) return undefined;
  const rate = bytesRate > 0 && last.bytes > 0 ? bytesRate / last.bytes : rowsRate / last.rows;
  return (1 - share) / share / rate;
}

/** @returns the curve of the rate per second at each sample */
export function ratesOf(samples: readonly Sample[], what: 'rows' | 'bytes'): { readonly at: number[]; readonly rate: number[] } {
  const at: number[] = [];
  const rate: number[] = [];
  let from = 0;
  for (let index = 1; index < samples.length; index++) {
    // Over two seconds: rows are counted part by part and would make a comb.
    while (from < index - 1 && samples[index].at - samples[from + 1].at >= 2000) from++;
    const seconds = (samples[index].at - samples[from].at) / 1000;
    if (seconds <= 0) continue;
    at.push(samples[index].at / 1000);
    rate.push(Math.max(0, samples[index][what] - samples[from][what]) / seconds);
  }
  return { at, rate };
}
