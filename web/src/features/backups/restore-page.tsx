/** The restore wizard: what, whereto, the plan, and only then the run. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState, type ReactElement, type ReactNode } from 'react';
import { backupTablesQuery, connectionsQuery } from '../../api/queries.ts';
import type { JobRequest } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { CheckField, SelectField, TextField } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { PageHead, Panel } from '../../components/panel.tsx';
import { ErrorState, Note, Skeleton } from '../../components/states.tsx';
import { bytes, plural, whole } from '../../design/quantities.ts';
import { PlanView } from '../runs/plan-view.tsx';
import { usePlannedRun } from '../runs/planned-run.ts';

const STEPS = ['What', 'Where to', 'Plan'] as const;

interface Wanted {
  readonly isAll: boolean;
  readonly tables: readonly string[];
  readonly where: string;
  readonly to: string;
  readonly replaces: boolean;
  readonly kind: 'all' | 'data' | 'schema';
  readonly noOwner: boolean;
  readonly noPrivileges: boolean;
}

export function RestorePage(): ReactElement {
  const { repository, backup } = useParams({ from: '/backups/$repository/$backup' });
  const [step, setStep] = useState(0);
  const [wanted, setWanted] = useState<Wanted>({ isAll: true, tables: [], where: '', to: '', replaces: false, kind: 'all', noOwner: false, noPrivileges: false });
  const databases = useQuery(connectionsQuery).data?.filter(({ kind }) => kind === 'postgres') ?? [];
  const change = (next: Partial<Wanted>): void => {
    setWanted((before) => ({ ...before, ...next }));
    forget();
  };
  const body = bodyOf({ ...wanted, to: wanted.to === '' ? (databases[0]?.name ?? '') : wanted.to }, repository, backup);
  const { plan, error, isBusy, look, start, forget } = usePlannedRun(body);
  const next = async (): Promise<void> => { if (await look()) setStep(2); };
  return (
    <>
      <PageHead above={<><Link to="/backups" className="hover:underline">Backups</Link> / <Link to="/backups/$repository" params={{ repository }} className="hover:underline">{repository}</Link></>} title="Restore" note={<code className="text-sm">{backup}</code>} />
      <ol className="mb-4 flex flex-wrap gap-2" aria-label="Steps">
        {STEPS.map((text, index) => (
          <li key={text} aria-current={index === step ? 'step' : undefined} className="flex items-center gap-2 rounded-full border border-line bg-surface py-1 pr-3.5 pl-1 text-sm text-ink-2 aria-[current=step]:border-accent aria-[current=step]:bg-accent-soft aria-[current=step]:font-medium aria-[current=step]:text-accent-ink">
            <span className={`numeric grid size-5 place-items-center rounded-full text-xs font-semibold ${index <= step ? 'bg-accent text-on-accent' : 'bg-sunken'}`}>{index < step ? <Icon name="check" size={12} /> : index + 1}</span>{text}
          </li>
        ))}
      </ol>
      {step === 0 && <What repository={repository} backup={backup} wanted={wanted} onChange={change} footer={<Button look="primary" disabled={!wanted.isAll && wanted.tables.length === 0} onClick={() => setStep(1)}>Next: where to</Button>} />}
      {step === 1 && (
        <Panel title="Where to">
          <div className="flex max-w-[620px] flex-col gap-4">
            {databases.length === 0 && <Note tone="warn">There is no connection to a PostgreSQL database. Add one under Connections.</Note>}
            <SelectField label="Database" value={wanted.to} onChange={(event) => change({ to: event.target.value })}>{databases.map(({ name, url }) => <option key={name} value={name}>{name} ({url})</option>)}</SelectField>
            <fieldset className="flex flex-col gap-2.5">
              <legend className="mb-1.5 text-sm font-medium text-ink-2">What is there already</legend>
              <CheckField type="radio" name="replaces" label="Must not be in the way" checked={!wanted.replaces} onChange={() => change({ replaces: false })} hint="The restore is refused when a table of the backup is there." />
              <CheckField type="radio" name="replaces" label="Is replaced" checked={wanted.replaces} onChange={() => change({ replaces: true })} hint="What is in the way goes when its replacement is complete, not before." />
            </fieldset>
            <SelectField label="Of the backup" value={wanted.kind} onChange={(event) => change({ kind: event.target.value as Wanted['kind'] })}>
              <option value="all">Definitions and rows</option>
              <option value="data">Only rows, into tables that are there</option>
              <option value="schema">Only definitions</option>
            </SelectField>
            <div className="flex flex-col gap-2.5">
              <CheckField label="Leave owners out" checked={wanted.noOwner} onChange={(event) => change({ noOwner: event.target.checked })} hint="Everything belongs to whoever restores; needed where the roles of the backup are missing." />
              <CheckField label="Leave privileges out" checked={wanted.noPrivileges} onChange={(event) => change({ noPrivileges: event.target.checked })} />
            </div>
            {error !== undefined && <ErrorState error={error} />}
            <div className="flex gap-2"><Button onClick={() => setStep(0)}>Back</Button><Button look="primary" isBusy={isBusy} disabled={databases.length === 0} onClick={() => void next()}>Show the plan</Button></div>
          </div>
        </Panel>
      )}
      {step === 2 && plan !== undefined && (
        <Panel title="What will be done">
          <div className="flex flex-col gap-4">
            <Note>Nothing has been changed yet. {wanted.replaces ? 'Tables of the same name are replaced when their replacement is complete.' : 'Nothing that is there is touched.'}</Note>
            {plan.plan !== null && <PlanView plan={plan.plan} />}
            {plan.warnings?.map((warning) => <Note key={warning} tone="warn">{warning}</Note>)}
            {error !== undefined && <ErrorState error={error} />}
            <div className="flex gap-2"><Button onClick={() => setStep(1)}>Back</Button><Button look={wanted.replaces ? 'danger' : 'primary'} icon="restore" isBusy={isBusy} onClick={() => void start()}>{wanted.replaces ? 'Replace and restore' : 'Restore'}</Button></div>
          </div>
        </Panel>
      )}
    </>
  );
}

function bodyOf(wanted: Wanted, repository: string, backup: string): JobRequest {
  return {
    job: 'restore', repository, backup, to: wanted.to, mode: wanted.replaces ? 'replace' : 'append',
    ...(wanted.isAll ? {} : { tables: [...wanted.tables] }), ...(!wanted.isAll && wanted.where.trim() !== '' ? { where: wanted.where } : {}),
    ...(wanted.kind === 'data' ? { dataOnly: true } : wanted.kind === 'schema' ? { schemaOnly: true } : {}), ...(wanted.noOwner ? { noOwner: true } : {}), ...(wanted.noPrivileges ? { noPrivileges: true } : {}),
  };
}

function What({ repository, backup, wanted, onChange, footer }: { readonly repository: string; readonly backup: string; readonly wanted: Wanted; readonly onChange: (next: Partial<Wanted>) => void; readonly footer: ReactNode }): ReactElement {
  const [search, setSearch] = useState('');
  const tables = useQuery({ ...backupTablesQuery(repository, backup, search), placeholderData: keepPreviousData });
  const toggle = (name: string): void => onChange({ tables: wanted.tables.includes(name) ? wanted.tables.filter((one) => one !== name) : [...wanted.tables, name] });
  return (
    <Panel title="What" actions={!wanted.isAll && <TextField label="Find a table" isLabelHidden type="search" placeholder="Find a table" value={search} onChange={(event) => setSearch(event.target.value)} className="w-48" />}>
      <div className="flex flex-col gap-3">
        <CheckField type="radio" name="what" label="Everything" checked={wanted.isAll} onChange={() => onChange({ isAll: true })} hint="All tables with their rows, indexes, constraints, sequences and everything else of the database." />
        <CheckField type="radio" name="what" label="Some tables" checked={!wanted.isAll} onChange={() => onChange({ isAll: false })} hint="Down to a single row, by a condition." />
        {tables.isPending && <Skeleton lines={4} />}
        {tables.error !== null && <ErrorState error={tables.error} onRetry={() => void tables.refetch()} />}
        {tables.data !== undefined && (
          <ul className={`max-h-[46vh] overflow-auto rounded-md border border-line p-1.5 ${wanted.isAll ? 'text-ink-2' : ''}`} aria-label="Tables of the backup" tabIndex={0}>
            {tables.data.items.map((table) => {
              const facts = <span className="numeric ml-auto text-sm whitespace-nowrap text-ink-3">{plural(table.rows, 'row')} · {bytes(table.bytes)}</span>;
              return <li key={table.name} className="px-2 py-1">{wanted.isAll ? <span className="flex gap-3">{table.name}{facts}</span> : <div className="flex gap-3"><CheckField label={table.name} checked={wanted.tables.includes(table.name)} onChange={() => toggle(table.name)} />{facts}</div>}</li>;
            })}
          </ul>
        )}
        {!wanted.isAll && <TextField label="Only rows where" value={wanted.where} onChange={(event) => onChange({ where: event.target.value })} placeholder="id = 42" className="[&_input]:font-mono" hint={`A condition in SQL, of the ${whole(wanted.tables.length)} chosen tables; empty takes all rows.`} />}
        <div>{footer}</div>
      </div>
    </Panel>
  );
}
