import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useLiveRuns } from '../../api/live-runs.ts';
import type { RunListing } from '../../api/types.ts';
import { StatusBadge } from '../../components/badge.tsx';
import { Icon } from '../../components/icon.tsx';
import { SimpleTable, type TableColumn } from '../../components/simple-table.tsx';
import { ago, duration, moment, whole } from '../../design/quantities.ts';
import { jobIcon, jobTitle, runEnds } from './run-words.ts';
import { totalsOf } from './running-run.tsx';

export function RunList({ runs, label }: { readonly runs: readonly RunListing[]; readonly label: string }): ReactElement {
  const live = useLiveRuns();
  const rowsOf = (run: RunListing): number => {
    const now = live.get(run.run);
    return run.status === 'running' && now !== undefined ? totalsOf(now).rows : run.rows;
  };
  const columns: readonly TableColumn<RunListing>[] = [
    {
      title: 'Run', isMain: true, cell: (run) => (
        <Link to="/runs/$run" params={{ run: run.run }} className="group flex min-w-0 items-center gap-2.5">
          <span className="grid size-7 shrink-0 place-items-center rounded-md bg-sunken text-ink-2"><Icon name={jobIcon(run.job)} /></span>
          <span className="min-w-0 flex-1">
            <span className="block font-medium group-hover:underline">{jobTitle(run.job)}</span>
            <span className="block truncate text-sm text-ink-3" title={runEnds(run)}>{runEnds(run)}</span>
          </span>
        </Link>
      ),
    },
    { title: 'Status', cell: (run) => <StatusBadge status={run.status} rejected={run.figures?.rejected ?? 0} /> },
    { title: 'Rows', isNumber: true, from: 'sm', cell: (run) => whole(rowsOf(run)) },
    { title: 'Took', isNumber: true, from: 'md', cell: (run) => (run.endedAt === null ? '–' : duration((run.endedAt - run.startedAt) / 1000)) },
    { title: 'Started', isNumber: true, from: 'sm', cell: (run) => <time dateTime={new Date(run.startedAt).toISOString()} title={moment(run.startedAt)} className="whitespace-nowrap text-ink-2">{ago(run.startedAt)}</time> },
  ];
  return <SimpleTable items={runs} columns={columns} keyOf={(run) => run.run} label={label} />;
}
