/** A table, row by row, however many there are. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useRef, useState, type FormEvent, type ReactElement } from 'react';
import type { countTable, listRows } from '../../../../src/server/contracts/connections.ts';
import { ask } from '../../api/client.ts';
import { tableQuery } from '../../api/queries.ts';
import type { TableListing } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { Icon } from '../../components/icon.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../components/states.tsx';
import { WindowTitle } from '../../components/window-title.tsx';
import { plural, whole } from '../../design/quantities.ts';
import { DataGrid, type GridHandle } from '../../grid/data-grid.tsx';
import type { CellPlace } from '../../grid/grid-measures.ts';
import { gridColumn, type GridColumn } from '../../grid/grid-columns.ts';
import type { Block, Row } from '../../grid/row-blocks.ts';
import { connectionTitle } from '../connections/connection-words.ts';
import { CellDialog } from './cell-dialog.tsx';
import { ExportDialog } from './export-dialog.tsx';

const SAMPLE_ROWS = 100;
const ROWS = '/api/v1/connections/{connection}/tables/{table}/rows';

export function TablePage(): ReactElement {
  const { connection, table } = useParams({ from: '/data/$connection/$table' });
  const described = useQuery(tableQuery(connection, table));
  return (
    <div data-full className="-mx-4 -mt-4 -mb-24 flex h-[calc(100dvh-48px-55px-env(safe-area-inset-bottom))] min-h-[420px] flex-col sm:-mx-6 lg:-mx-8 lg:-mt-6 lg:-mb-8 lg:h-dvh">
      {described.isPending && <Skeleton lines={8} className="p-6" />}
      {described.error !== null && described.data === undefined && <div className="p-6"><ErrorState error={described.error} onRetry={() => void described.refetch()} /></div>}
      {described.data !== undefined && <TableView key={`${connection} ${table}`} connection={connection} table={described.data} />}
    </div>
  );
}

function TableView({ connection, table }: { readonly connection: string; readonly table: TableListing }): ReactElement {
  const params = useMemo(() => ({ connection, table: table.name }), [connection, table.name]);
  const grid = useRef<GridHandle>(null);
  const [opened, setOpened] = useState<CellPlace & { value: string | null; isCut: boolean }>();
  const [isExporting, setExporting] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const [view, setView] = useState<readonly [number, number]>([0, 0]);
  const onView = useCallback((first: number, last: number) => setView([first, last]), []);
  const sample = useQuery({ queryKey: ['rows', connection, table.name, 'sample'], queryFn: ({ signal }) => ask<typeof listRows>('GET', ROWS, { params, query: { limit: SAMPLE_ROWS, position: 0 }, signal }) });
  const count = useQuery({ queryKey: ['rows', connection, table.name, 'count'], placeholderData: keepPreviousData, queryFn: ({ signal }) => ask<typeof countTable>('GET', '/api/v1/connections/{connection}/tables/{table}/count', { params, signal }) });
  const rows = count.data?.reachable ?? sample.data?.rows.length ?? 0;
  const all = count.data?.rows ?? rows;
  const columns = useMemo(() => columnsOf(table, sample.data?.rows ?? []), [table, sample.data]);
  const fetchBlock = useCallback((at: number, limit: number, signal: AbortSignal) => fetchRows(params, at, limit, signal), [params]);
  const open = useCallback((place: CellPlace, value: string | null, isCut: boolean) => setOpened({ ...place, value, isCut }), []);
  const refresh = (): void => {
    void sample.refetch();
    void count.refetch();
    grid.current?.refresh();
  };
  return (
    <>
      <WindowTitle name={table.name} />
      <header className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line bg-surface px-4 py-2.5 sm:px-6">
        <div className="min-w-0 flex-1 basis-52">
          <p className="truncate text-xs text-ink-3"><Link to="/data/$connection" params={{ connection }} className="hover:underline">{connectionTitle(connection)}</Link></p>
          <h1 className="truncate text-lg font-semibold">{table.name}</h1>
        </div>
        <GoToRow rows={sample.data === undefined ? 0 : rows} onGo={(row) => grid.current?.goTo(row)} />
        <Button icon="again" label="Read again" onClick={refresh} />
        <Button icon="export" look="primary" onClick={() => setExporting(true)}>Export</Button>
      </header>
      {(problem ?? count.error) !== null && (problem ?? count.error) !== undefined && <div className="border-b border-line p-3"><ErrorState error={problem ?? count.error} onRetry={refresh} /></div>}
      <div className="relative min-h-0 flex-1">
        {sample.isPending && <Skeleton lines={12} className="p-6" />}
        {sample.error !== null && sample.data === undefined && <div className="p-6"><ErrorState error={sample.error} onRetry={refresh} /></div>}
        {sample.data !== undefined && (rows === 0
          ? <EmptyState icon="table" title="This table has no rows">It has {plural(table.columns.length, 'column')}: {table.columns.slice(0, 12).map(({ name }) => name).join(', ')}.</EmptyState>
          : <DataGrid ref={grid} label={`Rows of ${table.name}`} rows={rows} columns={columns} fetchBlock={fetchBlock} onOpen={open} onError={setProblem} onView={onView} />)}
      </div>
      <footer className="numeric flex flex-wrap items-center gap-x-4 gap-y-0.5 border-t border-line bg-surface px-4 py-1.5 text-xs text-ink-2 sm:px-6">
        {sample.data !== undefined && rows > 0 && <span>Rows {whole(view[0] + 1)} to {whole(view[1] + 1)} of {count.data?.exact === false && 'about '}<strong className="font-semibold text-ink">{whole(all)}</strong>{count.data === undefined && ' …'}</span>}
        {count.isPending && <span className="animate-pulse">counting</span>}
        <span>{plural(table.columns.length, 'column')}</span>
        {count.data?.exact === false && (
          <span className="flex flex-wrap items-center gap-x-2">
            the first {whole(rows)} are counted so far and can be gone to
            <Button isSmall look="quiet" isBusy={count.isFetching} onClick={() => void count.refetch()}>{count.isFetching ? 'Counting' : 'Count further'}</Button>
          </span>
        )}
        {count.data?.exact === true && all > rows && <span>the first {whole(rows)} are shown: further than that PostgreSQL finds no rows of views, foreign tables and partitioned tables without a key; an export has all</span>}
        {sample.data !== undefined && <span className="max-sm:hidden">{sample.data.order === 'key' ? `ordered by ${table.primaryKey.join(', ')}` : 'in the order of the table'}</span>}
        <span className="ml-auto flex items-center gap-1 text-ink-3 max-md:hidden"><Icon name="info" size={13} />Enter or double-click shows a value in full</span>
      </footer>
      {opened !== undefined && <CellDialog params={params} row={opened.row} value={opened.value} isCut={opened.isCut} column={columns[opened.column]} onClose={() => setOpened(undefined)} />}
      {isExporting && <ExportDialog connection={connection} table={table} rows={count.data?.rows} onClose={() => setExporting(false)} />}
    </>
  );
}

function GoToRow({ rows, onGo }: { readonly rows: number; readonly onGo: (row: number) => void }): ReactElement {
  const [text, setText] = useState('');
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const listen = (event: globalThis.KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.key !== 'g') return;
      event.preventDefault();
      input.current?.select();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const row = /^(?:last|end)$/i.test(text.trim()) ? rows : Number(text.replace(/[\s,._']/g, ''));
    if (Number.isFinite(row) && row >= 1) onGo(Math.min(rows, Math.floor(row)) - 1);
  };
  return (
    <form onSubmit={submit} className="flex items-center gap-1.5">
      <input ref={input} aria-label="Go to row" placeholder="Go to row" inputMode="numeric" value={text} disabled={rows === 0} onChange={(event) => setText(event.target.value)} className="numeric h-8.5 w-32 rounded-md border border-line-strong bg-surface px-2.5 placeholder:text-ink-3" title="A number, or “last” (Ctrl+G)" />
      <Button type="submit" label="Go to this row" icon="chevron" disabled={text.trim() === ''} />
    </form>
  );
}

function columnsOf(table: TableListing, rows: readonly Row[]): GridColumn[] {
  return table.columns.map(({ name, type }, index) => gridColumn(name, type, rows.map((row) => row[index] ?? null), table.primaryKey.includes(name)));
}

async function fetchRows(params: { connection: string; table: string }, at: number, limit: number, signal: AbortSignal): Promise<Block> {
  const page = await ask<typeof listRows>('GET', ROWS, { params, query: { position: at, limit, maxCell: 300 }, signal });
  return { rows: page.rows, cut: new Set(page.cut.map(([row, column]) => `${row}:${column}`)) };
}
