/** A run: how far it is while it goes, what it came to when it has ended, and what it was to do. */
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import type { cancelRun } from '../../../../src/server/contracts/runs.ts';
import { ask } from '../../api/client.ts';
import { useLiveRun } from '../../api/live-runs.ts';
import { runQuery, sessionQuery } from '../../api/queries.ts';
import type { RunDetails } from '../../api/types.ts';
import { StatusBadge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { PageHead, Panel } from '../../components/panel.tsx';
import { ErrorState, Note, Skeleton } from '../../components/states.tsx';
import { moment } from '../../design/quantities.ts';
import { isSending } from '../import/uploads.ts';
import { InterruptedRun } from './interrupted-run.tsx';
import { LiveProgress } from './live-progress.tsx';
import { PlanView } from './plan-view.tsx';
import { QuarantinePanel } from './quarantine-panel.tsx';
import { ReceiptPanel } from './receipt-panel.tsx';
import { jobTitle, runEnds } from './run-words.ts';

export function RunPage(): ReactElement {
  const { run: id } = useParams({ from: '/runs/$run' });
  const run = useQuery({ ...runQuery(id), refetchInterval: (query) => (query.state.data?.status === 'running' ? 3000 : false) });
  if (run.isPending) return <Skeleton lines={8} />;
  if (run.data === undefined) return <ErrorState error={run.error} onRetry={() => void run.refetch()} />;
  return <RunView run={run.data} />;
}

function RunView({ run }: { readonly run: RunDetails }): ReactElement {
  const live = useLiveRun(run.run);
  const mayAct = useQuery(sessionQuery).data?.role !== 'viewer';
  const isRunning = run.status === 'running';
  const rejected = run.receipt?.totals.rejected ?? 0;
  return (
    <>
      <PageHead
        name={`${jobTitle(run.job)}: ${run.status}`}
        above={<><Link to="/runs" className="hover:underline">Runs</Link> / <code>{run.run}</code></>}
        title={<span className="flex flex-wrap items-center gap-x-3 gap-y-1">{jobTitle(run.job)} <StatusBadge status={run.status} rejected={rejected} /></span>}
        note={<span title={[run.from, run.to].filter(Boolean).join(' → ')}><span className="break-all">{runEnds(run)}</span> <span className="whitespace-nowrap text-ink-3">· {moment(run.startedAt)}</span></span>}
        actions={isRunning && mayAct && <CancelButton run={run} />}
      />
      <div className="flex flex-col gap-4 lg:gap-5">
        {isRunning && isSending(run.run) && <Note>The file is being sent from this page: keep it open until the run is done. You may walk about in it.</Note>}
        {isRunning && <LiveProgress run={run} live={live} />}
        {run.status === 'interrupted' && <InterruptedRun run={run} mayAct={mayAct} />}
        {run.receipt !== null && <ReceiptPanel run={run} receipt={run.receipt} />}
        {rejected > 0 && <QuarantinePanel run={run.run} mayAct={mayAct} />}
        {!isRunning && <LiveProgress run={run} live={live} />}
        {run.plan !== null && <Panel title="Plan" note="what was to be done, made before anything was moved"><PlanView plan={run.plan} /></Panel>}
      </div>
    </>
  );
}

function CancelButton({ run }: { readonly run: RunDetails }): ReactElement {
  const [isAsking, setAsking] = useState(false);
  const [error, setError] = useState<unknown>();
  const cancel = async (): Promise<void> => {
    try {
      await ask<typeof cancelRun>('POST', '/api/v1/runs/{run}/cancel', { params: { run: run.run } });
      setAsking(false);
    } catch (thrown) {
      setError(thrown);
    }
  };
  return (
    <>
      <Button icon="stop" disabled={run.cancelRequested} onClick={() => setAsking(true)}>{run.cancelRequested ? 'Stopping' : 'Cancel'}</Button>
      {isAsking && (
        <Dialog title="Cancel this run?" onClose={() => setAsking(false)} actions={<><Button onClick={() => setAsking(false)}>Let it run</Button><Button look="danger" onClick={() => void cancel()}>Cancel the run</Button></>}>
          <p>It stops within a second. The target stays as it was before the run, unless its rows are published already.</p>
          {error !== undefined && <div className="mt-3"><ErrorState error={error} /></div>}
        </Dialog>
      )}
    </>
  );
}
