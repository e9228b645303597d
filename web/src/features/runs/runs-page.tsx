import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { runsQuery } from '../../api/queries.ts';
import type { RunListing } from '../../api/types.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { SelectField } from '../../components/field.tsx';
import { PageHead, Panel } from '../../components/panel.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../components/states.tsx';
import { RunList } from './run-list.tsx';
import { jobTitle } from './run-words.ts';

const PAGE = 50;
const MOST = 200;
const STATUSES: readonly RunListing['status'][] = ['running', 'done', 'failed', 'cancelled', 'interrupted'];
const JOBS = ['import', 'export', 'copy', 'backup', 'restore', 'verify'] as const;

export function RunsPage(): ReactElement {
  const [limit, setLimit] = useState(PAGE);
  const [job, setJob] = useState('');
  const [status, setStatus] = useState('');
  const runs = useQuery({ ...runsQuery(limit), placeholderData: keepPreviousData });
  const shown = runs.data?.items.filter((run) => (job === '' || run.job === job) && (status === '' || run.status === status)) ?? [];
  return (
    <>
      <PageHead title="Runs" note="Everything that was started here or by the command line in this workspace, newest first." />
      <Panel
        isFlush title="All runs" note={runs.data === undefined ? undefined : `${shown.length}${runs.data.next === null ? '' : '+'}`}
        actions={(
          <>
            <SelectField label="Kind" isLabelHidden value={job} onChange={(event) => setJob(event.target.value)} className="w-36">
              <option value="">All kinds</option>
              {JOBS.map((one) => <option key={one} value={one}>{jobTitle(one)}</option>)}
            </SelectField>
            <SelectField label="Status" isLabelHidden value={status} onChange={(event) => setStatus(event.target.value)} className="w-36">
              <option value="">Any status</option>
              {STATUSES.map((one) => <option key={one} value={one}>{one}</option>)}
            </SelectField>
          </>
        )}
      >
        {runs.error !== null && <div className="p-4"><ErrorState error={runs.error} onRetry={() => void runs.refetch()} /></div>}
        {runs.isPending && <Skeleton lines={6} className="p-4" />}
        {runs.data !== undefined && shown.length === 0 && (
          <EmptyState icon="runs" title={runs.data.items.length === 0 ? 'Nothing has run yet' : 'No run is like that'} actions={runs.data.items.length === 0 && <ButtonLink to="/import" look="primary" icon="import">Import a file</ButtonLink>}>
            {runs.data.items.length === 0 ? 'An import, an export or a backup shows here as soon as it begins, with its plan and its receipt.' : 'Choose another kind or status.'}
          </EmptyState>
        )}
        {shown.length > 0 && <RunList runs={shown} label="Runs" />}
        {runs.data?.next != null && limit < MOST && <div className="border-t border-line p-3 text-center"><Button isSmall isBusy={runs.isFetching} onClick={() => setLimit(MOST)}>Show more</Button></div>}
      </Panel>
    </>
  );
}
