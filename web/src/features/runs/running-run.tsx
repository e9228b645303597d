/** A run that is under way, in short: how far it is, how quick, how long it will take. */
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { rateOf, secondsLeftOf, shareOf, useCourse, type LiveRun } from '../../api/live-runs.ts';
import { Icon } from '../../components/icon.tsx';
import { Progress } from '../../components/panel.tsx';
import { bytes, duration, short, whole } from '../../design/quantities.ts';
import { Sparkline } from '../../charts/sparkline.tsx';
import { jobIcon, jobTitle, phaseText } from './run-words.ts';

export function totalsOf(run: LiveRun): { readonly rows: number; readonly bytes: number } {
  let rows = 0;
  let moved = 0;
  for (const table of run.tables.values()) {
    rows += table.rows;
    moved += table.bytes;
  }
  return { rows, bytes: moved };
}

export function RunningRun({ run }: { readonly run: LiveRun }): ReactElement {
  const course = useCourse(run.run, run);
  const share = shareOf(run);
  const left = secondsLeftOf(run);
  const rowsRate = rateOf(run, 'rows');
  const bytesRate = rateOf(run, 'bytes');
  const totals = totalsOf(run);
  const tables = [...run.tables.keys()];
  return (
    <Link to="/runs/$run" params={{ run: run.run }} className="block rounded-md border border-line bg-surface p-3.5 transition-colors hover:border-line-strong">
      <div className="flex items-center gap-2">
        <Icon name={jobIcon(run.job)} className="text-accent-ink" />
        <span className="min-w-0 flex-1 truncate font-medium">{jobTitle(run.job)} {tables.length > 0 && <span className="font-normal text-ink-2">{tables.slice(0, 3).join(', ')}{tables.length > 3 && ` and ${tables.length - 3} more`}</span>}</span>
        <span className="numeric shrink-0 text-sm text-ink-2">{left === undefined ? phaseText(run.phase) : `${duration(left)} left`}</span>
      </div>
      <div className="mt-2.5"><Progress share={share} label={`${jobTitle(run.job)} ${tables.join(', ')}`} /></div>
      <div className="mt-2.5 flex items-end gap-4">
        <dl className="numeric grid flex-1 grid-cols-2 gap-x-4 gap-y-0.5 text-sm sm:grid-cols-4">
          <div><dt className="text-xs text-ink-3">Rows</dt><dd>{whole(totals.rows)}</dd></div>
          <div><dt className="text-xs text-ink-3">Rows/s</dt><dd>{rowsRate === undefined ? '–' : short(rowsRate)}</dd></div>
          <div><dt className="text-xs text-ink-3">Bytes/s</dt><dd>{bytesRate === undefined ? '–' : `${bytes(bytesRate)}/s`}</dd></div>
          <div><dt className="text-xs text-ink-3">Memory</dt><dd>{run.rssBytes === 0 ? '–' : bytes(run.rssBytes)}</dd></div>
        </dl>
        <Sparkline samples={course} what="bytes" />
      </div>
    </Link>
  );
}
