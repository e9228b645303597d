/** The tables of a database. */
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useDeferredValue, useState, type ReactElement } from 'react';
import { connectionsQuery, tablesQuery } from '../../api/queries.ts';
import type { TableListing } from '../../api/types.ts';
import { ButtonLink } from '../../components/button.tsx';
import { SelectField, TextField } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { PageHead, Panel } from '../../components/panel.tsx';
import { SimpleTable, type TableColumn } from '../../components/simple-table.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../components/states.tsx';
import { bytes, plural, whole } from '../../design/quantities.ts';
import { connectionTitle, EMBEDDED } from '../connections/connection-words.ts';

export function DataPage(): ReactElement {
  const { connection = EMBEDDED } = useParams({ strict: false });
  const navigate = useNavigate();
  const [search, setSearch] = useState('');
  const wanted = useDeferredValue(search);
  const connections = useQuery(connectionsQuery);
  const tables = useQuery(tablesQuery(connection, wanted));
  return (
    <>
      <PageHead
        title="Data" note="Every table of your databases, row by row."
        actions={(
          <SelectField label="Database" isLabelHidden value={connection} onChange={(event) => void navigate({ to: '/data/$connection', params: { connection: event.target.value } })} className="w-56">
            {(connections.data ?? [{ name: connection }]).map(({ name }) => <option key={name} value={name}>{connectionTitle(name)}</option>)}
          </SelectField>
        )}
      />
      <Panel
        isFlush title={connectionTitle(connection)} note={tables.data === undefined ? undefined : `${plural(tables.data.items.length, 'table')}${tables.data.next === null ? '' : ' and more'}`}
        actions={<TextField label="Find a table" isLabelHidden type="search" placeholder="Find a table" value={search} onChange={(event) => setSearch(event.target.value)} className="w-52" />}
      >
        {tables.isPending && <Skeleton lines={6} className="p-4" />}
        {tables.error !== null && <div className="p-4"><ErrorState error={tables.error} onRetry={() => void tables.refetch()} /></div>}
        {tables.data?.items.length === 0 && (wanted === ''
          ? <EmptyState icon="table" title="No tables yet" actions={<ButtonLink to="/import" look="primary" icon="import">Import a file</ButtonLink>}>Drop a CSV, JSON, Parquet or SQL file: it becomes a table here.</EmptyState>
          : <EmptyState icon="search" title={`No table has “${wanted}” in its name`} />)}
        {tables.data !== undefined && tables.data.items.length > 0 && <TableList connection={connection} tables={tables.data.items} />}
        {tables.data?.next != null && <p className="border-t border-line p-3 text-center text-sm text-ink-3">There are more tables; search for the one you want.</p>}
      </Panel>
    </>
  );
}

function TableList({ connection, tables }: { readonly connection: string; readonly tables: readonly TableListing[] }): ReactElement {
  const columns: readonly TableColumn<TableListing>[] = [
    {
      title: 'Table', isMain: true, cell: (table) => (
        <Link to="/data/$connection/$table" params={{ connection, table: table.name }} className="group flex items-center gap-2.5 font-medium">
          <Icon name="table" className="text-ink-3" /><span className="min-w-0 truncate group-hover:underline">{table.name}</span>
        </Link>
      ),
    },
    { title: 'Rows', isNumber: true, cell: (table) => (table.estimatedRows === null ? <span className="text-ink-3">not counted</span> : <span title="By the statistics of the database">≈ {whole(Math.round(table.estimatedRows))}</span>) },
    { title: 'Size', isNumber: true, from: 'sm', cell: (table) => (table.estimatedBytes === null ? '–' : bytes(table.estimatedBytes)) },
    { title: 'Columns', isNumber: true, from: 'sm', cell: (table) => table.columns.length },
    { title: 'Key', from: 'md', cell: (table) => (table.primaryKey.length === 0 ? <span className="text-ink-3">none</span> : table.primaryKey.join(', ')) },
  ];
  return <SimpleTable items={tables} columns={columns} keyOf={(table) => table.name} label="Tables" />;
}
