/** Copies tables from one database into another, with the plan first. */
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { connectionsQuery, tablesQuery } from '../../api/queries.ts';
import type { JobRequest } from '../../api/types.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { CheckField, SelectField, TextField } from '../../components/field.tsx';
import { Panel } from '../../components/panel.tsx';
import { EmptyState, ErrorState, Note, Skeleton } from '../../components/states.tsx';
import { bytes, plural, short } from '../../design/quantities.ts';
import { connectionTitle } from '../connections/connection-words.ts';
import { PlanView } from '../runs/plan-view.tsx';
import { usePlannedRun } from '../runs/planned-run.ts';

export function CopyForm(): ReactElement {
  const connections = useQuery(connectionsQuery);
  const names = connections.data?.map(({ name }) => name) ?? [];
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  if (connections.isPending) return <Skeleton lines={4} />;
  if (connections.error !== null) return <ErrorState error={connections.error} />;
  if (names.length < 2) {
    return <Panel><EmptyState icon="database" title="There is only one database here" actions={<ButtonLink to="/connections" look="primary" icon="plus">Add a connection</ButtonLink>}>To copy from another one, add a connection to it.</EmptyState></Panel>;
  }
  const source = from === '' ? names.find((name) => name !== 'duckdb')! : from;
  const target = to === '' || to === source ? names.find((name) => name !== source)! : to;
  return <CopyTables key={`${source} ${target}`} {...{ names, source, target }} onFrom={setFrom} onTo={setTo} />;
}

function CopyTables({ names, source, target, onFrom, onTo }: { readonly names: readonly string[]; readonly source: string; readonly target: string; readonly onFrom: (name: string) => void; readonly onTo: (name: string) => void }): ReactElement {
  const [search, setSearch] = useState('');
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [mode, setMode] = useState('append');
  const tables = useQuery(tablesQuery(source, search));
  const body = { job: 'copy', from: source, to: target, tables: chosen, mode } as JobRequest;
  const { plan, error, isBusy, look, start, forget } = usePlannedRun(body);
  const toggle = (name: string): void => {
    forget();
    setChosen((before) => (before.includes(name) ? before.filter((one) => one !== name) : [...before, name]));
  };
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_340px] lg:gap-5">
      <div className="flex min-w-0 flex-col gap-4">
        <Panel isFlush title="Tables to copy" note={chosen.length === 0 ? undefined : `${chosen.length} chosen`} actions={<TextField label="Find a table" isLabelHidden type="search" placeholder="Find a table" value={search} onChange={(event) => setSearch(event.target.value)} className="w-44" />}>
          {tables.isPending && <Skeleton lines={5} className="p-4" />}
          {tables.error !== null && <div className="p-4"><ErrorState error={tables.error} onRetry={() => void tables.refetch()} /></div>}
          {tables.data?.items.length === 0 && <EmptyState icon="table" title="No tables there" />}
          <ul className="max-h-96 overflow-auto p-2">
            {tables.data?.items.map((table) => (
              <li key={table.name} className="rounded-md px-2 py-1.5 hover:bg-sunken">
                <CheckField label={<span className="flex gap-3">{table.name}<span className="numeric text-sm text-ink-3">{table.estimatedRows === null ? '' : `≈ ${short(table.estimatedRows)} rows`} {table.estimatedBytes === null ? '' : bytes(table.estimatedBytes)}</span></span>} checked={chosen.includes(table.name)} onChange={() => toggle(table.name)} />
              </li>
            ))}
          </ul>
        </Panel>
        {plan?.plan != null && <Panel title="What would be done"><PlanView plan={plan.plan} /></Panel>}
      </div>
      <Panel title="From where, to where">
        <div className="flex flex-col gap-3.5">
          <SelectField label="From" value={source} onChange={(event) => onFrom(event.target.value)}>{names.map((name) => <option key={name} value={name}>{connectionTitle(name)}</option>)}</SelectField>
          <SelectField label="To" value={target} onChange={(event) => onTo(event.target.value)}>{names.filter((name) => name !== source).map((name) => <option key={name} value={name}>{connectionTitle(name)}</option>)}</SelectField>
          <SelectField label="Rows that are there" value={mode} onChange={(event) => { setMode(event.target.value); forget(); }}>
            <option value="append">Add to the table, or make it</option>
            <option value="replace">Replace what is in the table</option>
          </SelectField>
          {chosen.length === 0 && <Note>Choose the tables first.</Note>}
          {error !== undefined && <ErrorState error={error} />}
          <Button onClick={() => void look()} isBusy={isBusy && plan === undefined} disabled={chosen.length === 0}>Show the plan</Button>
          <Button look="primary" onClick={() => void start()} isBusy={isBusy && plan !== undefined} disabled={chosen.length === 0 || plan === undefined}>{chosen.length === 0 ? 'Copy' : `Copy ${plural(chosen.length, 'table')}`}</Button>
        </div>
      </Panel>
    </div>
  );
}
