import { useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { connectionsQuery } from '../../api/queries.ts';
import type { JobRequest } from '../../api/types.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { SelectField, TextField } from '../../components/field.tsx';
import { ErrorState, Note } from '../../components/states.tsx';
import { PlanView } from '../runs/plan-view.tsx';
import { usePlannedRun } from '../runs/planned-run.ts';

/** Backs a database up, with the plan first. */
export function BackupDialog({ repository, onClose }: { readonly repository: string; readonly onClose: () => void }): ReactElement {
  const databases = useQuery(connectionsQuery).data?.filter(({ kind }) => kind === 'postgres') ?? [];
  const [from, setFrom] = useState('');
  const [tables, setTables] = useState('');
  const chosen = tables.split(',').map((name) => name.trim()).filter((name) => name !== '');
  const body = { job: 'backup', from: from === '' ? databases[0]?.name : from, repository, ...(chosen.length === 0 ? {} : { tables: chosen }) } as JobRequest;
  const { plan, error, isBusy, look, start, forget } = usePlannedRun(body);
  return (
    <Dialog
      title={`Back up into ${repository}`} isWide={plan !== undefined} onClose={onClose}
      actions={<><Button onClick={onClose}>Cancel</Button>{plan === undefined ? <Button look="primary" isBusy={isBusy} disabled={databases.length === 0} onClick={() => void look()}>Show the plan</Button> : <Button look="primary" icon="backup" isBusy={isBusy} onClick={() => void start()}>Back up</Button>}</>}
    >
      <div className="flex flex-col gap-3.5">
        {databases.length === 0 && <Note tone="warn">Backups are of PostgreSQL databases, and there is no connection to one. <ButtonLink to="/connections" isSmall look="quiet">Add a connection</ButtonLink></Note>}
        <SelectField label="Database" value={from} onChange={(event) => { setFrom(event.target.value); forget(); }}>{databases.map(({ name }) => <option key={name} value={name}>{name}</option>)}</SelectField>
        <TextField label="Only these tables" value={tables} onChange={(event) => { setTables(event.target.value); forget(); }} placeholder="all" hint="Names or patterns with commas: sales.*, orders" />
        {error !== undefined && <ErrorState error={error} />}
        {plan?.plan != null && <PlanView plan={plan.plan} />}
      </div>
    </Dialog>
  );
}
