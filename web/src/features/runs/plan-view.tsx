/** What a run does, before or after it: tables, how their rows travel, and how they become visible. */
import type { ReactElement, ReactNode } from 'react';
import type { TransferPlan } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Icon } from '../../components/icon.tsx';
import { Note } from '../../components/states.tsx';
import { bytes, plural } from '../../design/quantities.ts';
import { shortEnd } from './run-words.ts';

const TABLES_SHOWN = 100;

export function PlanView({ plan }: { readonly plan: TransferPlan }): ReactElement {
  return (
    <div className="flex flex-col gap-3">
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-base">
        <span className="font-medium break-all" title={plan.from}>{shortEnd(plan.from)}</span><Icon name="chevron" size={13} className="text-ink-3" /><span className="font-medium break-all" title={plan.to}>{shortEnd(plan.to)}</span>
        <Badge>{plural(plan.tables.length, 'table')}</Badge><Badge>{plural(plan.jobs, 'job')} at once</Badge>
      </p>
      {plan.notes.map((note) => <Note key={note}>{note}</Note>)}
      <ul className="flex flex-col gap-2">
        {plan.tables.slice(0, TABLES_SHOWN).map((table, index) => <PlannedTable key={`${table.name} ${index}`} table={table} isOpen={plan.tables.length === 1} />)}
      </ul>
      {plan.tables.length > TABLES_SHOWN && <p className="text-sm text-ink-3">and {plural(plan.tables.length - TABLES_SHOWN, 'more table', 'more tables')}</p>}
    </div>
  );
}

function PlannedTable({ table, isOpen }: { readonly table: TransferPlan['tables'][number]; readonly isOpen: boolean }): ReactElement {
  const { rows, bytes: size } = table.expected;
  return (
    <li>
      <details open={isOpen} className="group rounded-md border border-line">
        <summary className="flex list-none flex-wrap items-center gap-x-2.5 gap-y-1 px-3 py-2 select-none [&::-webkit-details-marker]:hidden">
          <Icon name="chevron" size={13} className="text-ink-3 transition-transform group-open:rotate-90" />
          <span className="font-medium break-all">{table.name}</span>
          {table.creates === true && <Badge tone="accent">is made</Badge>}
          {table.mode !== undefined && table.creates !== true && <Badge tone={table.mode === 'replace' ? 'warn' : 'neutral'}>{table.mode}</Badge>}
          <span className="numeric ml-auto text-sm text-ink-3">{[rows === undefined ? undefined : `≈ ${plural(Math.round(rows), 'row')}`, size === undefined ? undefined : bytes(size)].filter(Boolean).join(' · ')}</span>
        </summary>
        <div className="border-t border-line px-3 py-2.5">
          <dl className="grid gap-x-6 gap-y-2 text-sm sm:grid-cols-2 lg:grid-cols-3">
            <Fact name="How rows travel">{table.encoding}</Fact>
            <Fact name="Parts">{table.parts.rule}{table.parts.bytes > 0 && `, ${bytes(table.parts.bytes)} each`}</Fact>
            <Fact name="How they become visible">{table.publication}</Fact>
          </dl>
          {table.columns.length > 0 && <p className="mt-2.5 flex flex-wrap gap-1">{table.columns.map(({ name, type, source }) => <span key={name} className="rounded-sm bg-sunken px-1.5 py-px text-xs" title={source === undefined || source === name ? undefined : `from ${source}`}>{name} <span className="text-ink-3">{type}</span></span>)}</p>}
          {table.statements.length > 0 && <pre tabIndex={0} className="mt-2.5 max-h-56 overflow-auto rounded-md bg-sunken p-2.5 text-xs">{table.statements.join(';\n')}</pre>}
        </div>
      </details>
    </li>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactElement {
  return <div><dt className="text-xs text-ink-3">{name}</dt><dd className="break-words">{children}</dd></div>;
}
