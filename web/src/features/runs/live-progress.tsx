/** A run while it goes: share, rates as curves, memory, what is left; the parts of each table as a map. Of one that has just ended, its curves. */
import { useMemo, type ReactElement } from 'react';
import { RateChart, type Curve } from '../../charts/rate-chart.tsx';
import { rateOf, ratesOf, secondsLeftOf, shareOf, useCourse, type LiveRun, type Sample } from '../../api/live-runs.ts';
import type { RunDetails } from '../../api/types.ts';
import { Figure, Figures, Panel, Progress } from '../../components/panel.tsx';
import { Note } from '../../components/states.tsx';
import { bytes, duration, short, whole } from '../../design/quantities.ts';
import { PartMap } from './part-map.tsx';
import { phaseText } from './run-words.ts';
import { totalsOf } from './running-run.tsx';

const TABLES_SHOWN = 30;
const perSecond = (value: number): string => `${bytes(value)}/s`;

/** A curve of less says nothing that a figure does not. */
const LEAST_SAMPLES = 4;
const LEAST_MS = 2500;

export function LiveProgress({ run, live }: { readonly run: RunDetails; readonly live: LiveRun | undefined }): ReactElement {
  const course = useCourse(run.run, live);
  const isRunning = run.status === 'running';
  const rows = useMemo<Curve>(() => curveOf('Rows per second', '--accent', course, 'rows'), [course]);
  const moved = useMemo<Curve>(() => curveOf('Bytes per second', '--good', course, 'bytes'), [course]);
  const memory = useMemo<Curve>(() => ({ label: 'Memory', colour: '--warn', at: course.map(({ at }) => at / 1000), values: course.map(({ rssBytes }) => (rssBytes === 0 ? null : rssBytes)) }), [course]);
  const totals = live === undefined ? { rows: run.summary?.rows ?? 0, bytes: run.summary?.bytes ?? 0 } : totalsOf(live);
  const share = live === undefined ? undefined : shareOf(live);
  const left = live === undefined ? undefined : secondsLeftOf(live);
  const rowsRate = live === undefined ? undefined : rateOf(live, 'rows');
  const bytesRate = live === undefined ? undefined : rateOf(live, 'bytes');
  const parts = live?.parts ?? run.summary?.parts;
  const memoryNow = live?.rssBytes || run.summary?.rssBytes || 0;
  return (
    <>
      {isRunning && (
        <Panel>
          <div className="mb-2 flex items-baseline justify-between gap-3">
            <p className="font-medium" role="status">{phaseText(live?.phase ?? run.summary?.phase)}</p>
            <p className="numeric text-sm text-ink-2">{share === undefined ? '' : `${Math.floor(share * 100)} %`}</p>
          </div>
          <Progress share={share} label="Progress of the run" />
          <Figures className="mt-4">
            <Figure label="Rows">{whole(totals.rows)}</Figure>
            <Figure label="Bytes">{bytes(totals.bytes)}</Figure>
            <Figure label="Rows per second">{rowsRate === undefined ? '–' : short(rowsRate)}</Figure>
            <Figure label="Bytes per second">{bytesRate === undefined ? '–' : perSecond(bytesRate)}</Figure>
            <Figure label="Memory of the server">{memoryNow === 0 ? '–' : bytes(memoryNow)}</Figure>
            <Figure label="Time left">{left === undefined ? '–' : duration(left)}</Figure>
          </Figures>
          {live !== undefined && live.notes.length > 0 && <div className="mt-4 flex flex-col gap-1.5">{[...new Set(live.notes)].slice(-4).map((note) => <Note key={note}>{note}</Note>)}</div>}
        </Panel>
      )}
      {course.length >= LEAST_SAMPLES && course.at(-1)!.at - course[0].at >= LEAST_MS && (
        <div className="grid gap-4 md:grid-cols-3 lg:gap-5">
          <ChartPanel title="Rows per second" latest={rowsRate === undefined || !isRunning ? undefined : short(rowsRate)}><RateChart curve={rows} format={short} /></ChartPanel>
          <ChartPanel title="Bytes per second" latest={bytesRate === undefined || !isRunning ? undefined : perSecond(bytesRate)}><RateChart curve={moved} format={bytes} /></ChartPanel>
          <ChartPanel title="Memory of the server" latest={memoryNow === 0 || !isRunning ? undefined : bytes(memoryNow)}><RateChart curve={memory} format={bytes} /></ChartPanel>
        </div>
      )}
      {parts != null && parts.begun > (isRunning ? 0 : 1) && <Panel title="Parts" note="each is moved, retried and accounted for by itself"><PartMap parts={parts} isRunning={isRunning} /></Panel>}
      {live !== undefined && live.tables.size > 1 && isRunning && <TablesPanel live={live} />}
    </>
  );
}

function ChartPanel({ title, latest, children }: { readonly title: string; readonly latest: string | undefined; readonly children: ReactElement }): ReactElement {
  return (
    <section className="min-w-0 rounded-lg border border-line bg-surface px-3 pt-2.5 pb-2 shadow-card">
      <h2 className="mb-1 flex justify-between gap-2 px-1 text-sm font-medium text-ink-2">{title}<span className="numeric text-ink">{latest}</span></h2>
      {children}
    </section>
  );
}

function TablesPanel({ live }: { readonly live: LiveRun }): ReactElement {
  const tables = [...live.tables].slice(0, TABLES_SHOWN);
  return (
    <Panel title="Tables" note={live.tables.size > TABLES_SHOWN ? `the first ${TABLES_SHOWN} of ${live.tables.size}` : undefined}>
      <ul className="flex flex-col gap-3">
        {tables.map(([name, table]) => {
          const expected = table.expectedBytes ?? table.expectedRows;
          const done = table.expectedBytes === undefined ? table.rows : table.bytes;
          return (
            <li key={name}>
              <div className="mb-1 flex flex-wrap items-baseline justify-between gap-x-3">
                <span className="font-medium break-all">{name}</span>
                <span className="numeric text-sm text-ink-2">{whole(table.rows)} rows · {bytes(table.bytes)}</span>
              </div>
              <Progress share={table.isDone ? 1 : expected === undefined || expected <= 0 ? undefined : Math.min(1, done / expected)} tone={table.isDone ? 'bg-good' : 'bg-accent'} label={`Progress of ${name}`} />
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

function curveOf(label: string, colour: Curve['colour'], course: readonly Sample[], what: 'rows' | 'bytes'): Curve {
  const { at, rate } = ratesOf(course, what);
  return { label, colour, at, values: rate };
}
