import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactElement } from 'react';
import type { createToken, revokeToken } from '../../../../src/server/contracts/session.ts';
import { ask } from '../../api/client.ts';
import { queryClient, tokensQuery } from '../../api/queries.ts';
import type { TokenListing } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { SelectField, TextField } from '../../components/field.tsx';
import { Panel } from '../../components/panel.tsx';
import { SimpleTable, type TableColumn } from '../../components/simple-table.tsx';
import { EmptyState, ErrorState, Note, Skeleton } from '../../components/states.tsx';
import { ago, moment } from '../../design/quantities.ts';

type Role = TokenListing['role'];

export function TokensPanel(): ReactElement {
  const tokens = useQuery(tokensQuery);
  const [isMaking, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<TokenListing>();
  const columns: readonly TableColumn<TokenListing>[] = [
    { title: 'Name', cell: (token) => <span className="font-medium">{token.name}</span> },
    { title: 'Role', cell: (token) => <Badge>{token.role}</Badge> },
    { title: 'Good until', cell: (token) => (token.revokedAt !== null ? <Badge tone="bad">revoked</Badge> : token.expiresAt < Date.now() ? <Badge tone="warn">expired</Badge> : <span title={moment(token.expiresAt)}>{ago(token.expiresAt)}</span>) },
    { title: 'Last used', from: 'sm', cell: (token) => (token.lastUsedAt === null ? <span className="text-ink-3">never</span> : ago(token.lastUsedAt)) },
    { title: 'Made', from: 'md', cell: (token) => ago(token.createdAt) },
    { title: 'Action', isNumber: true, cell: (token) => (token.revokedAt === null ? <Button isSmall look="quiet" icon="trash" onClick={() => setRevoking(token)}>Revoke</Button> : null) },
  ];
  return (
    <Panel title="Tokens" isFlush note="for programs, and for people who sign in" actions={<Button isSmall icon="plus" onClick={() => setMaking(true)}>Make a token</Button>}>
      {tokens.isPending && <Skeleton className="p-4" />}
      {tokens.error !== null && <div className="p-4"><ErrorState error={tokens.error} onRetry={() => void tokens.refetch()} /></div>}
      {tokens.data?.length === 0 && <EmptyState icon="key" title="No tokens yet">A token lets a program use the API, or another person sign in, with a role of your choice.</EmptyState>}
      {tokens.data !== undefined && tokens.data.length > 0 && <SimpleTable items={tokens.data} columns={columns} keyOf={({ id }) => id} label="Tokens" />}
      {isMaking && <MakeDialog onClose={() => setMaking(false)} />}
      {revoking !== undefined && <RevokeDialog token={revoking} onClose={() => setRevoking(undefined)} />}
    </Panel>
  );
}

function MakeDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('operator');
  const [days, setDays] = useState('90');
  const [made, setMade] = useState<string>();
  const [error, setError] = useState<unknown>();
  const make = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    try {
      const { token } = await ask<typeof createToken>('POST', '/api/v1/tokens', { body: { name, role, days: Number(days) } });
      setMade(token);
      await queryClient.invalidateQueries({ queryKey: tokensQuery.queryKey });
    } catch (thrown) {
      setError(thrown);
    }
  };
  if (made !== undefined) {
    return (
      <Dialog title="Here is the token" onClose={onClose} actions={<><Button icon="copy" onClick={() => void navigator.clipboard.writeText(made)}>Copy</Button><Button look="primary" onClick={onClose}>I have it</Button></>}>
        <Note tone="warn">It is shown only this once: keep it where secrets are kept.</Note>
        <code className="mt-3 block rounded-md bg-sunken p-3 text-sm break-all select-all">{made}</code>
      </Dialog>
    );
  }
  return (
    <Dialog title="Make a token" onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button look="primary" type="submit" form="make-token" disabled={name === ''}>Make it</Button></>}>
      <form id="make-token" onSubmit={(event) => void make(event)} className="flex flex-col gap-3.5">
        <TextField label="What is it for?" value={name} onChange={(event) => setName(event.target.value)} required maxLength={100} placeholder="nightly load" autoFocus />
        <SelectField label="Role" value={role} onChange={(event) => setRole(event.target.value as Role)}>
          <option value="viewer">viewer: looks at data, runs and receipts</option>
          <option value="operator">operator: also starts runs and loads data</option>
          <option value="admin">admin: also connections, tokens and settings</option>
        </SelectField>
        <TextField label="Good for how many days?" type="number" min={1} max={3650} value={days} onChange={(event) => setDays(event.target.value)} required />
        {error !== undefined && <ErrorState error={error} />}
      </form>
    </Dialog>
  );
}

function RevokeDialog({ token, onClose }: { readonly token: TokenListing; readonly onClose: () => void }): ReactElement {
  const [error, setError] = useState<unknown>();
  const revoke = async (): Promise<void> => {
    try {
      await ask<typeof revokeToken>('DELETE', '/api/v1/tokens/{token}', { params: { token: token.id } });
      await queryClient.invalidateQueries({ queryKey: tokensQuery.queryKey });
      onClose();
    } catch (thrown) {
      setError(thrown);
    }
  };
  return (
    <Dialog title={`Revoke “${token.name}”?`} onClose={onClose} actions={<><Button onClick={onClose}>Keep it</Button><Button look="danger" onClick={() => void revoke()}>Revoke</Button></>}>
      <p>Whoever uses it is signed out at once, also browsers that signed in with it. That cannot be undone; another can be made.</p>
      {error !== undefined && <div className="mt-3"><ErrorState error={error} /></div>}
    </Dialog>
  );
}
