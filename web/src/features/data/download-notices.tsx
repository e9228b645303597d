/** How the downloads of this page go, in a corner of it: a file that is not whole is never left to be found out by whoever opens it. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, type ReactElement } from 'react';
import { useLiveRun } from '../../api/live-runs.ts';
import { runQuery } from '../../api/queries.ts';
import { Button } from '../../components/button.tsx';
import { Icon } from '../../components/icon.tsx';
import { ProblemNote } from '../../components/states.tsx';
import { bytes, plural } from '../../design/quantities.ts';
import { totalsOf } from '../runs/running-run.tsx';
import { forgetDownload, useDownloads, type Download } from './downloads.ts';

const SHOWN_AFTER_END_MS = 12_000;

export function DownloadNotices(): ReactElement {
  const downloads = useDownloads();
  return (
    <section aria-label="Downloads" className="fixed right-3 bottom-[calc(60px+env(safe-area-inset-bottom))] z-20 flex w-[min(440px,calc(100vw-24px))] flex-col gap-2 empty:hidden lg:right-5 lg:bottom-5">
      {downloads.map((one) => <Notice key={one.run} download={one} />)}
    </section>
  );
}

function Notice({ download: { run, name } }: { readonly download: Download }): ReactElement | null {
  const details = useQuery({ ...runQuery(run), refetchInterval: (query) => (query.state.data === undefined || query.state.data.status === 'running' ? 2000 : false) }).data;
  const live = useLiveRun(run);
  const isWhole = details?.status === 'done';
  useEffect(() => {
    if (!isWhole) return undefined;
    const timer = setTimeout(() => forgetDownload(run), SHOWN_AFTER_END_MS);
    return () => clearTimeout(timer);
  }, [isWhole, run]);
  const hide = <Button look="quiet" isSmall icon="cross" label="Hide this" onClick={() => forgetDownload(run)} />;
  const error = details?.receipt?.error;
  if (details !== undefined && details.status !== 'running' && !isWhole) {
    const problem = error === undefined ? { code: 'CANCELLED', detail: 'The server was stopped meanwhile.', hint: 'Export it again.' } : { code: error.code, detail: error.message, hint: error.hint, at: error.at as Record<string, unknown> };
    return (
      <div className="rounded-md bg-raised shadow-pop">
        <ProblemNote
          title={error?.code === 'OUTPUT_CLOSED' ? `The download of ${name} was stopped: the file is not whole` : `The download of ${name} has failed: the file is not whole`} problem={problem}
          actions={<><Link to="/runs/$run" params={{ run }} className="inline-flex h-7 items-center rounded-md border border-line-strong bg-surface px-2.5 text-sm font-medium hover:bg-sunken">See the run</Link>{hide}</>}
        />
      </div>
    );
  }
  const moved = live === undefined ? undefined : totalsOf(live);
  return (
    <div role="status" className="flex items-center gap-2.5 rounded-md border border-line bg-raised py-2 pr-2 pl-3.5 shadow-pop">
      <Icon name={isWhole ? 'check' : 'export'} className={isWhole ? 'text-good' : 'text-accent-ink'} />
      <p className="numeric min-w-0 flex-1 truncate text-sm"><span className="font-medium">{name}</span> <span className="text-ink-2">{isWhole ? `is downloaded whole: ${plural(details.receipt?.totals.written ?? 0, 'row')}` : `is being downloaded${moved === undefined || moved.rows === 0 ? '' : `: ${plural(moved.rows, 'row')}, ${bytes(moved.bytes)}`}`}</span></p>
      {hide}
    </div>
  );
}
