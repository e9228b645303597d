import type { ReactElement } from 'react';
import { useQuery } from '@tanstack/react-query';
import type { listQuarantine } from '../../../../src/server/contracts/runs.ts';
import { ask } from '../../api/client.ts';
import { Panel } from '../../components/panel.tsx';
import { ErrorState, Skeleton } from '../../components/states.tsx';

export function QuarantinePanel({ run }: { readonly run: string; readonly mayAct: boolean }): ReactElement {
  const rows = useQuery({ queryKey: ['quarantine', run], queryFn: ({ signal }) => ask<typeof listQuarantine>('GET', '/api/v1/runs/{run}/quarantine', { params: { run }, signal }) });
  return (
    <Panel title="Rejected rows">
      {rows.isPending && <Skeleton />}
      {rows.error !== null && <ErrorState error={rows.error} />}
      {rows.data !== undefined && <pre className="overflow-auto text-xs" tabIndex={0}>{JSON.stringify(rows.data.items.slice(0, 3), undefined, 1)}</pre>}
    </Panel>
  );
}
