/** How well runs did over time, against what is expected of them. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState, type ReactElement } from 'react';
import { historyQuery, settingsQuery } from '../../api/queries.ts';
import type { HistoryPoint, Settings } from '../../api/types.ts';
import { RateChart, type Curve } from '../../charts/rate-chart.tsx';
import { Badge } from '../../components/badge.tsx';
import { SelectField } from '../../components/field.tsx';
import { PageHead, Panel } from '../../components/panel.tsx';
import { SimpleTable, type TableColumn } from '../../components/simple-table.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../components/states.tsx';
import { ago, bytes, duration, moment, short, whole } from '../../design/quantities.ts';
import { jobTitle, runEnds } from '../runs/run-words.ts';
import { targetText, targetValue } from './target-words.ts';

const JOBS = ['import', 'export', 'copy', 'backup', 'restore', 'verify'] as const;

export function PerformancePage(): ReactElement {
  const [job, setJob] = useState('');
  const history = useQuery(historyQuery(job));
  const settings = useQuery(settingsQuery);
  const points = history.data;
  return (
    <>
      <PageHead
        title="Performance" note="Runs that are done, with their rates and the targets that they met or missed."
        actions={(
          <SelectField label="Kind of run" isLabelHidden value={job} onChange={(event) => setJob(event.target.value)} className="w-40">
            <option value="">All kinds</option>
            {JOBS.map((one) => <option key={one} value={one}>{jobTitle(one)}</option>)}
          </SelectField>
        )}
      />
      <div className="flex flex-col gap-4 lg:gap-5">
        {history.isPending && <Panel><Skeleton lines={6} /></Panel>}
        {history.error !== null && <ErrorState error={history.error} onRetry={() => void history.refetch()} />}
        {points?.length === 0 && <Panel><EmptyState icon="speed" title="No run is done yet">Rates, memory and targets of every run show here when it has ended.</EmptyState></Panel>}
        {points !== undefined && points.length > 1 && <Trends points={points} />}
        {points !== undefined && points.length > 0 && <Panel title="Runs" isFlush><History points={points} /></Panel>}
        {settings.data !== undefined && <Targets targets={settings.data.targets} />}
      </div>
    </>
  );
}

function Trends({ points }: { readonly points: readonly HistoryPoint[] }): ReactElement {
  const curves = useMemo(() => {
    const inOrder = points.toReversed();
    const at = inOrder.map((point) => point.startedAt / 1000);
    const curve = (label: string, colour: Curve['colour'], value: (point: HistoryPoint) => number): Curve => ({ label, colour, at, values: inOrder.map(value) });
    return [
      { curve: curve('Rows per second', '--accent', (point) => point.rowsPerSecond), format: short },
      { curve: curve('Bytes per second', '--good', (point) => point.bytesPerSecond), format: bytes },
      { curve: curve('Peak memory', '--warn', (point) => point.peakRssBytes), format: bytes },
    ];
  }, [points]);
  return (
    <div className="grid gap-4 md:grid-cols-3 lg:gap-5">
      {curves.map(({ curve, format }) => (
        <section key={curve.label} className="min-w-0 rounded-lg border border-line bg-surface px-3 pt-2.5 pb-2 shadow-card">
          <h2 className="mb-1 px-1 text-sm font-medium text-ink-2">{curve.label}, run by run</h2>
          <RateChart curve={curve} format={format} />
        </section>
      ))}
    </div>
  );
}

function History({ points }: { readonly points: readonly HistoryPoint[] }): ReactElement {
  const columns: readonly TableColumn<HistoryPoint>[] = [
    { title: 'Run', isMain: true, cell: (point) => <Link to="/runs/$run" params={{ run: point.run }} className="group block"><span className="block font-medium group-hover:underline">{jobTitle(point.job)}</span><span className="block truncate text-sm text-ink-3">{runEnds(point)}</span></Link> },
    { title: 'Rows', isNumber: true, cell: (point) => whole(point.rows) },
    { title: 'Rows/s', isNumber: true, cell: (point) => short(point.rowsPerSecond) },
    { title: 'Bytes/s', isNumber: true, from: 'sm', cell: (point) => `${bytes(point.bytesPerSecond)}/s` },
    { title: 'Peak memory', isNumber: true, from: 'md', cell: (point) => bytes(point.peakRssBytes) },
    { title: 'Took', isNumber: true, from: 'sm', cell: (point) => duration(point.seconds) },
    { title: 'Targets', cell: (point) => (point.missed.length === 0 ? <Badge tone="good">met</Badge> : <Badge tone="warn" title={point.missed.map(targetText).join(', ')}>missed: {point.missed.map(targetText).join(', ')}</Badge>) },
    { title: 'Started', isNumber: true, from: 'md', cell: (point) => <time title={moment(point.startedAt)} className="whitespace-nowrap text-ink-2">{ago(point.startedAt)}</time> },
  ];
  return <SimpleTable items={points} columns={columns} keyOf={(point) => point.run} label="Runs that are done" />;
}

/** How settings call what a run is measured by. */
const NAMES: Readonly<Record<string, string>> = { seconds: 'seconds', peakBytes: 'peakRssBytes', rowsPerSecond: 'rowsPerSecond', bytesPerSecond: 'bytesPerSecond' };

function Targets({ targets }: { readonly targets: Settings['targets'] }): ReactElement {
  return (
    <Panel title="Targets" note="checked on every run; for 10,000 records, more may take as much longer">
      <dl className="grid gap-x-6 gap-y-3 sm:grid-cols-2 lg:grid-cols-3">
        {Object.entries(targets).map(([job, target]) => (
          <div key={job}>
            <dt className="font-medium">{jobTitle(job)}</dt>
            <dd className="mt-1 flex flex-wrap gap-1">{Object.entries(target ?? {}).map(([name, value]) => <Badge key={name}>{targetText(NAMES[name] ?? name)} {name === 'seconds' || name === 'peakBytes' ? '≤' : '≥'} {targetValue(NAMES[name] ?? name, Number(value))}</Badge>)}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
