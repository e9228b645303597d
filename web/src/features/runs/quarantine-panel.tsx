/** The rejected rows of a run: why each was, corrected in place, and loaded again. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import type { listQuarantine, replayQuarantine } from '../../../../src/server/contracts/runs.ts';
import type { AnswerOf } from '../../../../src/server/contracts/route-contract.ts';
import { ask } from '../../api/client.ts';
import { queryClient } from '../../api/queries.ts';
import type { QuarantinedRow, QuarantinePage } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { SelectField } from '../../components/field.tsx';
import { Panel } from '../../components/panel.tsx';
import { ErrorState, Note, Skeleton } from '../../components/states.tsx';
import { plural, whole } from '../../design/quantities.ts';
import { EditRow } from './edit-row.tsx';
import { editKey, type RowEdit } from './row-edits.ts';

const PAGE = 50;
type Replayed = AnswerOf<typeof replayQuarantine>;

// oxlint-disable-next-line max-lines-per-function -- one panel
export function QuarantinePanel({ run, mayAct }: { readonly run: string; readonly mayAct: boolean }): ReactElement {
  const [code, setCode] = useState('');
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const [edits, setEdits] = useState<ReadonlyMap<string, RowEdit>>(new Map());
  const [editing, setEditing] = useState<QuarantinedRow>();
  const [replayed, setReplayed] = useState<Replayed>();
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const cursor = cursors.at(-1);
  const rows = useQuery({
    queryKey: ['quarantine', run, code, cursor ?? ''], placeholderData: keepPreviousData,
    queryFn: ({ signal }) => ask<typeof listQuarantine>('GET', '/api/v1/runs/{run}/quarantine', { params: { run }, query: { limit: PAGE, ...(code === '' ? {} : { code }), ...(cursor === undefined ? {} : { cursor }) }, signal }),
  });
  const replay = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      const body = edits.size === 0 ? { onError: 'quarantine' as const } : { onError: 'quarantine' as const, edits: [...edits.values()] };
      setReplayed(await ask<typeof replayQuarantine>('POST', '/api/v1/runs/{run}/quarantine/replay', { params: { run }, body, key: crypto.randomUUID() }));
      setEdits(new Map());
      await queryClient.invalidateQueries({ queryKey: ['runs'] });
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  const keep = (edit: RowEdit | undefined, row: QuarantinedRow): void => {
    setEdits((before) => {
      const next = new Map(before);
      if (edit === undefined) next.delete(editKey(row));
      else next.set(editKey(row), edit);
      return next;
    });
    setEditing(undefined);
  };
  const codes = codesOf(rows.data);
  return (
    <Panel
      isFlush title="Quarantine" note={rows.data === undefined ? undefined : plural(rows.data.rows, 'rejected row')}
      actions={(
        <>
          <SelectField label="Reason" isLabelHidden value={code} onChange={(event) => { setCode(event.target.value); setCursors([]); }} className="w-56">
            <option value="">All reasons</option>
            {codes.map(([name, count]) => <option key={name} value={name}>{name} ({whole(count)})</option>)}
          </SelectField>
          {mayAct && <Button look="primary" icon="again" isBusy={isBusy} disabled={rows.data === undefined || rows.data.to === null} onClick={() => void replay()}>{edits.size === 0 ? 'Load all again' : `Load ${plural(edits.size, 'corrected row')} again`}</Button>}
        </>
      )}
    >
      <div className="flex flex-col gap-2 p-4 empty:hidden" aria-live="polite">
        {error !== undefined && <ErrorState error={error} />}
        {replayed?.runs.map(({ run: id, table, rows: count }) => <Note key={id} tone="good">{plural(count, 'row')} of {table} are being loaded again: <Link to="/runs/$run" params={{ run: id }} className="font-medium underline">see that run</Link></Note>)}
        {replayed?.leftOut.map(({ table, message }) => <Note key={table} tone="warn">{table}: {message}</Note>)}
        {rows.data?.to === null && <Note tone="warn">There is no connection here for where the rows were to go. Add it, and they can be loaded again.</Note>}
      </div>
      {rows.isPending && <Skeleton className="p-4" />}
      {rows.error !== null && <div className="p-4"><ErrorState error={rows.error} onRetry={() => void rows.refetch()} /></div>}
      {rows.data !== undefined && <Rejected items={rows.data.items} edits={edits} mayAct={mayAct} onEdit={setEditing} />}
      {(rows.data?.next != null || cursors.length > 0) && (
        <div className="flex items-center justify-between gap-2 border-t border-line px-4 py-2.5">
          <Button isSmall disabled={cursors.length === 0} onClick={() => setCursors((before) => before.slice(0, -1))}>Before</Button>
          <span className="numeric text-sm text-ink-3">from row {whole(cursors.length * PAGE + 1)}</span>
          <Button isSmall disabled={rows.data?.next == null} onClick={() => { const next = rows.data?.next; if (next != null) setCursors((before) => [...before, next]); }}>Next</Button>
        </div>
      )}
      {editing !== undefined && <EditRow row={editing} columns={rows.data?.tables.find(({ table }) => table === editing.table)?.columns ?? []} edit={edits.get(editKey(editing))} onKeep={(edit) => keep(edit, editing)} onClose={() => setEditing(undefined)} />}
    </Panel>
  );
}

function codesOf(page: QuarantinePage | undefined): readonly (readonly [string, number])[] {
  const codes = new Map<string, number>();
  for (const table of page?.tables ?? []) for (const [code, count] of Object.entries(table.codes)) codes.set(code, (codes.get(code) ?? 0) + count);
  return [...codes];
}

function Rejected({ items, edits, mayAct, onEdit }: { readonly items: readonly QuarantinedRow[]; readonly edits: ReadonlyMap<string, RowEdit>; readonly mayAct: boolean; readonly onEdit: (row: QuarantinedRow) => void }): ReactElement {
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Rejected rows">
      <table className="w-full border-collapse text-base">
        <thead>
          <tr className="text-left text-xs text-ink-3 [&>th]:border-b [&>th]:border-line [&>th]:px-3 [&>th]:py-2 [&>th]:font-medium [&>th]:first:pl-4">
            <th scope="col">Where</th><th scope="col">Why</th><th scope="col">The record</th>{mayAct && <th scope="col"><span className="hidden-to-eyes">Correct</span></th>}
          </tr>
        </thead>
        <tbody>
          {items.map((row) => {
            const isEdited = edits.has(editKey(row));
            return (
              <tr key={editKey(row)} className={`align-top [&:not(:last-child)>td]:border-b [&>td]:border-line [&>td]:px-3 [&>td]:py-2 [&>td]:first:pl-4 ${isEdited ? 'bg-good-soft/50' : ''}`}>
                <td className="whitespace-nowrap">
                  <span className="block font-medium">{row.table}</span>
                  <span className="numeric block text-sm text-ink-3">{row.line === null ? (row.row === null ? '' : `row ${whole(row.row)}`) : `line ${whole(row.line)}`}</span>
                </td>
                <td className="min-w-56">
                  <span className="block">{row.message}</span>
                  <span className="mt-0.5 flex flex-wrap gap-1.5"><code className="text-xs text-bad">{row.code}</code>{row.column !== undefined && <Badge>{row.column}</Badge>}{row.constraint !== undefined && <Badge>{row.constraint}</Badge>}</span>
                </td>
                <td className="max-w-[52ch]">{row.raw === null ? <span className="text-ink-3 italic">larger than is shown here</span> : <code className="line-clamp-3 text-sm break-all whitespace-pre-wrap">{row.raw}</code>}</td>
                {mayAct && <td className="text-right"><Button isSmall look={isEdited ? 'plain' : 'quiet'} icon={isEdited ? 'check' : undefined} onClick={() => onEdit(row)}>{isEdited ? 'Corrected' : 'Correct'}</Button></td>}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
