/** What goes on now, what there is, and what went on last. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { useLiveRuns } from '../../api/live-runs.ts';
import type { acknowledgeAlert } from '../../../../src/server/contracts/monitor.ts';
import { ask } from '../../api/client.ts';
import { alertsQuery, connectionsQuery, queryClient, runsQuery, sessionQuery, tablesQuery } from '../../api/queries.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { Icon } from '../../components/icon.tsx';
import { PageHead, Panel } from '../../components/panel.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../components/states.tsx';
import { plural, short } from '../../design/quantities.ts';
import { DropTarget } from '../import/drop-target.tsx';
import { targetText, targetValue } from '../performance/target-words.ts';
import { jobTitle } from '../runs/run-words.ts';
import { RunList } from '../runs/run-list.tsx';
import { RunningRun } from '../runs/running-run.tsx';
import { EMBEDDED, connectionTitle } from '../connections/connection-words.ts';

const LAST_RUNS = 8;
const TABLES_SHOWN = 8;
const ALERTS_SHOWN = 4;

export function OverviewPage(): ReactElement {
  const running = [...useLiveRuns().values()].filter(({ status }) => status === 'running').toSorted((left, right) => right.startedAt - left.startedAt);
  const runs = useQuery(runsQuery(LAST_RUNS));
  return (
    <>
      <PageHead title="Overview" actions={<><ButtonLink to="/data" icon="table">Browse data</ButtonLink><ButtonLink to="/import" look="primary" icon="import">Import</ButtonLink></>} />
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_minmax(300px,380px)] lg:gap-5">
        <div className="flex min-w-0 flex-col gap-4 lg:gap-5">
          <Panel title="Running now" note={running.length === 0 ? undefined : plural(running.length, 'run')}>
            {running.length === 0
              ? <p className="flex items-center gap-2 text-ink-2"><Icon name="check" className="text-good" />Nothing is running. What you start shows here, live.</p>
              : <div className="flex flex-col gap-3">{running.map((run) => <RunningRun key={run.run} run={run} />)}</div>}
          </Panel>
          <Panel title="Last runs" isFlush actions={<ButtonLink to="/runs" look="quiet" isSmall>All runs</ButtonLink>}>
            {runs.error !== null && <div className="p-4"><ErrorState error={runs.error} onRetry={() => void runs.refetch()} /></div>}
            {runs.isPending && <Skeleton lines={5} className="p-4" />}
            {runs.data?.items.length === 0 && <EmptyState icon="runs" title="Nothing has run yet">Drop a file on this page: it is looked at first, and nothing is loaded before you say so.</EmptyState>}
            {runs.data !== undefined && runs.data.items.length > 0 && <RunList runs={runs.data.items} label="Last runs" />}
          </Panel>
        </div>
        <div className="flex min-w-0 flex-col gap-4 lg:gap-5">
          <DropTarget />
          <Alerts />
          <Tables />
          <Databases />
        </div>
      </div>
    </>
  );
}

/** What somebody should look at; nothing where there is nothing. */
function Alerts(): ReactElement | null {
  const alerts = useQuery(alertsQuery);
  const mayAct = useQuery(sessionQuery).data?.role !== 'viewer';
  if (alerts.data === undefined || alerts.data.open === 0) return null;
  const seen = async (run: string): Promise<void> => {
    await ask<typeof acknowledgeAlert>('POST', '/api/v1/alerts/{run}/acknowledge', { params: { run } }).catch(() => undefined);
    await queryClient.invalidateQueries({ queryKey: alertsQuery.queryKey });
  };
  return (
    <Panel title="To look at" note={alerts.data.open} isFlush>
      <ul>
        {alerts.data.items.slice(0, ALERTS_SHOWN).map((alert) => (
          <li key={alert.run} className="flex items-start gap-2.5 px-4 py-2 not-last:border-b">
            <Icon name="warning" className={`mt-0.5 ${alert.error === null ? 'text-warn' : 'text-bad'}`} />
            <Link to="/runs/$run" params={{ run: alert.run }} className="group min-w-0 flex-1">
              <span className="block group-hover:underline">{jobTitle(alert.job)} {alert.error === null ? 'missed a target' : alert.status}</span>
              <span className="block truncate text-sm text-ink-3">{alert.error?.message ?? alert.missed.map(({ name, measured, wanted }) => `${targetText(name)} ${targetValue(name, measured)}, wanted ${targetValue(name, wanted)}`).join('; ')}</span>
            </Link>
            {mayAct && <Button look="quiet" isSmall icon="check" label="I have seen to it" onClick={() => void seen(alert.run)} />}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Tables(): ReactElement {
  const tables = useQuery(tablesQuery(EMBEDDED));
  return (
    <Panel title="Tables here" note={tables.data === undefined ? undefined : `${tables.data.items.length}${tables.data.next === null ? '' : '+'}`} isFlush actions={<ButtonLink to="/data/$connection" params={{ connection: EMBEDDED }} look="quiet" isSmall>All tables</ButtonLink>}>
      {tables.isPending && <Skeleton lines={3} className="p-4" />}
      {tables.error !== null && <p className="p-4 text-ink-2">No tables yet. What you import without choosing a database goes into the embedded one.</p>}
      {tables.data?.items.length === 0 && <p className="p-4 text-ink-2">No tables yet. What you import without choosing a database goes into the embedded one.</p>}
      <ul className="py-1">
        {tables.data?.items.slice(0, TABLES_SHOWN).map((table) => (
          <li key={table.name}>
            <Link to="/data/$connection/$table" params={{ connection: EMBEDDED, table: table.name }} className="flex items-center gap-2.5 px-4 py-1.5 hover:bg-sunken">
              <Icon name="table" className="text-ink-3" />
              <span className="min-w-0 flex-1 truncate">{table.name}</span>
              <span className="numeric text-sm text-ink-3">{table.estimatedRows === null ? plural(table.columns.length, 'column') : `${short(table.estimatedRows)} rows`}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Databases(): ReactElement {
  const connections = useQuery(connectionsQuery);
  return (
    <Panel title="Connections" isFlush actions={<ButtonLink to="/connections" look="quiet" isSmall>Manage</ButtonLink>}>
      {connections.isPending && <Skeleton lines={2} className="p-4" />}
      {connections.error !== null && <div className="p-4"><ErrorState error={connections.error} /></div>}
      <ul className="py-1">
        {connections.data?.map((connection) => (
          <li key={connection.name}>
            <Link to="/data/$connection" params={{ connection: connection.name }} className="flex items-center gap-2.5 px-4 py-1.5 hover:bg-sunken">
              <Icon name="database" className="text-ink-3" />
              <span className="min-w-0 flex-1 truncate">{connectionTitle(connection.name)}</span>
              <span className="text-sm text-ink-3">{connection.kind === 'postgres' ? 'PostgreSQL' : connection.kind === 'duckdb' ? 'DuckDB' : connection.kind}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

