import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type FormEvent, type ReactElement } from 'react';
import type { createConnection, removeConnection, testConnection, tryConnection } from '../../../../src/server/contracts/connections.ts';
import { ask } from '../../api/client.ts';
import { connectionsQuery, queryClient, sessionQuery } from '../../api/queries.ts';
import type { ConnectionListing, ConnectionTest } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Button, ButtonLink } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { TextField } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { PageHead, Panel } from '../../components/panel.tsx';
import { ErrorState, Note, ProblemNote, Skeleton } from '../../components/states.tsx';
import { plural } from '../../design/quantities.ts';
import { connectionTitle } from './connection-words.ts';

const ORIGINS = { embedded: 'comes with the workspace', configuration: 'from sluice.config.json', stored: 'stored here, encrypted' } as const;

export function ConnectionsPage(): ReactElement {
  const connections = useQuery(connectionsQuery);
  const role = useQuery(sessionQuery).data?.role;
  const [isAdding, setAdding] = useState(false);
  return (
    <>
      <PageHead title="Connections" note="The databases that data comes from and goes to." actions={role === 'admin' && <Button look="primary" icon="plus" onClick={() => setAdding(true)}>Add a connection</Button>} />
      {connections.isPending && <Panel><Skeleton lines={4} /></Panel>}
      {connections.error !== null && <ErrorState error={connections.error} onRetry={() => void connections.refetch()} />}
      <ul className="grid gap-4 md:grid-cols-2 xl:grid-cols-3">
        {connections.data?.map((connection) => <ConnectionCard key={connection.name} connection={connection} role={role} />)}
      </ul>
      {isAdding && <AddDialog onClose={() => setAdding(false)} />}
    </>
  );
}

function ConnectionCard({ connection, role }: { readonly connection: ConnectionListing; readonly role: string | undefined }): ReactElement {
  const [result, setResult] = useState<ConnectionTest>();
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const [isRemoving, setRemoving] = useState(false);
  const test = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    await ask<typeof testConnection>('POST', '/api/v1/connections/{connection}/test', { params: { connection: connection.name } }).then(setResult, setError);
    setBusy(false);
  };
  return (
    <li className="flex min-w-0 flex-col rounded-lg border border-line bg-surface p-4 shadow-card">
      <div className="flex items-start gap-3">
        <span className="grid size-9 shrink-0 place-items-center rounded-md bg-accent-soft text-accent-ink"><Icon name="database" size={19} /></span>
        <div className="min-w-0 flex-1">
          <h2 className="truncate font-semibold"><Link to="/data/$connection" params={{ connection: connection.name }} className="hover:underline">{connectionTitle(connection.name)}</Link></h2>
          <p className="truncate text-sm text-ink-3" title={connection.url}>{connection.url}</p>
        </div>
        <Badge>{connection.kind === 'postgres' ? 'PostgreSQL' : connection.kind === 'duckdb' ? 'DuckDB' : connection.kind}</Badge>
      </div>
      <p className="mt-2 text-sm text-ink-3">{ORIGINS[connection.origin]}</p>
      <div aria-live="polite" className="empty:hidden">
        {result?.ok === true && <div className="mt-3"><Note tone="good">It answers: {result.version ?? 'version unknown'}{result.tables === null ? '' : `, ${plural(result.tables, 'table')}`}</Note></div>}
        {result?.ok === false && result.error !== null && <div className="mt-3"><ProblemNote problem={{ code: result.error.code, detail: result.error.message, hint: result.error.hint }} /></div>}
        {error !== undefined && <div className="mt-3"><ErrorState error={error} /></div>}
      </div>
      <div className="mt-3.5 flex flex-wrap gap-2 pt-0.5 max-md:mt-auto">
        <ButtonLink to="/data/$connection" params={{ connection: connection.name }} isSmall icon="table">Browse</ButtonLink>
        {role !== 'viewer' && <Button isSmall icon="check" isBusy={isBusy} onClick={() => void test()}>Test</Button>}
        {role === 'admin' && connection.origin === 'stored' && <Button isSmall look="quiet" icon="trash" onClick={() => setRemoving(true)}>Remove</Button>}
      </div>
      {isRemoving && <RemoveDialog name={connection.name} onClose={() => setRemoving(false)} />}
    </li>
  );
}

function AddDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const [name, setName] = useState('');
  const [url, setUrl] = useState('');
  const [result, setResult] = useState<ConnectionTest>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState<'test' | 'add'>();
  const test = async (): Promise<void> => {
    setBusy('test');
    setError(undefined);
    setResult(undefined);
    await ask<typeof tryConnection>('POST', '/api/v1/connection-tests', { body: { url } }).then(setResult, setError);
    setBusy(undefined);
  };
  const add = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy('add');
    setError(undefined);
    try {
      await ask<typeof createConnection>('POST', '/api/v1/connections', { body: { name, url } });
      await queryClient.invalidateQueries({ queryKey: connectionsQuery.queryKey });
      onClose();
    } catch (thrown) {
      setError(thrown);
      setBusy(undefined);
    }
  };
  return (
    <Dialog title="Add a connection" onClose={onClose} actions={<><Button isBusy={busy === 'test'} disabled={url === ''} onClick={() => void test()}>Test</Button><Button look="primary" type="submit" form="add-connection" isBusy={busy === 'add'} disabled={name === '' || url === ''}>Add</Button></>}>
      <form id="add-connection" onSubmit={(event) => void add(event)} className="flex flex-col gap-3.5">
        <TextField label="Name" value={name} onChange={(event) => setName(event.target.value)} required pattern="[A-Za-z_][\w.\-]*" placeholder="shop" autoFocus hint="Letters, digits, “_”, “-” and “.”" />
        <TextField label="Address" value={url} onChange={(event) => setUrl(event.target.value)} required placeholder="postgres://user:password@host:5432/shop" hint="postgres://… or duckdb:file.duckdb below a folder of the server. Stored encrypted; the password is never shown again." />
        {result?.ok === true && <Note tone="good">It answers: {result.version ?? 'version unknown'}{result.tables === null ? '' : `, ${plural(result.tables, 'table')}`}</Note>}
        {result?.ok === false && result.error !== null && <ProblemNote problem={{ code: result.error.code, detail: result.error.message, hint: result.error.hint }} />}
        {error !== undefined && <ErrorState error={error} />}
      </form>
    </Dialog>
  );
}

function RemoveDialog({ name, onClose }: { readonly name: string; readonly onClose: () => void }): ReactElement {
  const [error, setError] = useState<unknown>();
  const remove = async (): Promise<void> => {
    try {
      await ask<typeof removeConnection>('DELETE', '/api/v1/connections/{connection}', { params: { connection: name } });
      onClose();
      await queryClient.invalidateQueries({ queryKey: connectionsQuery.queryKey });
    } catch (thrown) {
      setError(thrown);
    }
  };
  return (
    <Dialog title={`Remove ${name}?`} onClose={onClose} actions={<><Button onClick={onClose}>Keep it</Button><Button look="danger" onClick={() => void remove()}>Remove</Button></>}>
      <p>The database itself is not touched. Runs that use this connection can no longer be resumed under its name.</p>
      {error !== undefined && <div className="mt-3"><ErrorState error={error} /></div>}
    </Dialog>
  );
}
