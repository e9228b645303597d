/** Repositories of backups, and how to make a backup. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type FormEvent, type ReactElement } from 'react';
import type { addRepository, forgetRepository } from '../../../../src/server/contracts/repositories.ts';
import { ask } from '../../api/client.ts';
import { queryClient, repositoriesQuery, sessionQuery, settingsQuery } from '../../api/queries.ts';
import type { RepositoryListing } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Button, ButtonLink } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { TextField } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { PageHead, Panel } from '../../components/panel.tsx';
import { EmptyState, ErrorState, Note, ProblemNote, Skeleton } from '../../components/states.tsx';
import { ago, plural } from '../../design/quantities.ts';
import { BackupDialog } from './backup-dialog.tsx';

export function BackupsPage(): ReactElement {
  const repositories = useQuery(repositoriesQuery);
  const role = useQuery(sessionQuery).data?.role;
  const [isAdding, setAdding] = useState(false);
  const [backingUp, setBackingUp] = useState<string>();
  return (
    <>
      <PageHead title="Backups" note="Whole databases, kept as chunks: what has not changed is stored once." actions={role === 'admin' && <Button icon="plus" look="primary" onClick={() => setAdding(true)}>Add a repository</Button>} />
      {repositories.isPending && <Panel><Skeleton lines={4} /></Panel>}
      {repositories.error !== null && <ErrorState error={repositories.error} onRetry={() => void repositories.refetch()} />}
      {repositories.data?.length === 0 && (
        <Panel>
          <EmptyState icon="backup" title="No repository yet" actions={role === 'admin' && <Button look="primary" icon="plus" onClick={() => setAdding(true)}>Add a repository</Button>}>
            A repository is a folder of the server where backups are kept. {role === 'admin' ? 'Name an empty folder, and back a database up into it.' : 'An admin can add one.'}
          </EmptyState>
        </Panel>
      )}
      <ul className="grid gap-4 md:grid-cols-2 xl:grid-cols-3">
        {repositories.data?.map((repository) => <RepositoryCard key={repository.name} repository={repository} role={role} onBackup={() => setBackingUp(repository.name)} />)}
      </ul>
      {isAdding && <AddDialog onClose={() => setAdding(false)} />}
      {backingUp !== undefined && <BackupDialog repository={backingUp} onClose={() => setBackingUp(undefined)} />}
    </>
  );
}

const STATUS = { ready: ['good', 'ready'], empty: ['neutral', 'empty'], unusable: ['bad', 'unusable'] } as const;

function RepositoryCard({ repository, role, onBackup }: { readonly repository: RepositoryListing; readonly role: string | undefined; readonly onBackup: () => void }): ReactElement {
  const { name, path, status, backups, newest, newestAt, error } = repository;
  const [tone, text] = STATUS[status];
  const forget = async (): Promise<void> => {
    await ask<typeof forgetRepository>('DELETE', '/api/v1/repositories/{repository}', { params: { repository: name } }).catch(() => undefined);
    await queryClient.invalidateQueries({ queryKey: repositoriesQuery.queryKey });
  };
  return (
    <li className="flex min-w-0 flex-col rounded-lg border border-line bg-surface p-4 shadow-card">
      <div className="flex items-start gap-3">
        <span className="grid size-9 shrink-0 place-items-center rounded-md bg-accent-soft text-accent-ink"><Icon name="backup" size={19} /></span>
        <div className="min-w-0 flex-1">
          <h2 className="truncate font-semibold"><Link to="/backups/$repository" params={{ repository: name }} className="hover:underline">{name}</Link></h2>
          <p className="truncate text-sm text-ink-3" title={path}>{path}</p>
        </div>
        <Badge tone={tone}>{text}</Badge>
      </div>
      {error !== null && <div className="mt-3"><ProblemNote problem={{ code: error.code, detail: error.message, hint: error.hint }} /></div>}
      {error === null && <p className="mt-3 text-ink-2">{backups === null || backups === 0 ? 'No backups yet.' : <>{plural(backups, 'backup')}, the newest {newestAt === null ? newest : <span title={newest ?? ''}>{ago(newestAt)}</span>}.</>}</p>}
      <div className="mt-3.5 flex flex-wrap gap-2">
        {role !== 'viewer' && status !== 'unusable' && <Button isSmall look="primary" icon="backup" onClick={onBackup}>Back up</Button>}
        {backups !== null && backups > 0 && <ButtonLink isSmall to="/backups/$repository" params={{ repository: name }} icon="restore">Backups</ButtonLink>}
        {role === 'admin' && <Button isSmall look="quiet" onClick={() => void forget()}>Forget</Button>}
      </div>
    </li>
  );
}

function AddDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const folders = useQuery(settingsQuery).data?.files ?? [];
  const [name, setName] = useState('backups');
  const [path, setPath] = useState('');
  const [error, setError] = useState<unknown>();
  const wanted = path === '' && folders.length > 0 ? `${folders[0]}/${name}` : path;
  const add = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    try {
      await ask<typeof addRepository>('POST', '/api/v1/repositories', { body: { name, path: wanted } });
      await queryClient.invalidateQueries({ queryKey: repositoriesQuery.queryKey });
      onClose();
    } catch (thrown) {
      setError(thrown);
    }
  };
  return (
    <Dialog title="Add a repository" onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button look="primary" type="submit" form="add-repository" disabled={name === '' || wanted === ''}>Add</Button></>}>
      <form id="add-repository" onSubmit={(event) => void add(event)} className="flex flex-col gap-3.5">
        {folders.length === 0 && <Note tone="warn">This server may write no files. Whoever runs it can allow a folder: <code>sluice serve --files FOLDER</code></Note>}
        <TextField label="Name" value={name} onChange={(event) => setName(event.target.value)} required pattern="[A-Za-z_][\w.\-]*" />
        <TextField label="Folder of the server" value={path} onChange={(event) => setPath(event.target.value)} placeholder={wanted} hint="A repository that is there, or a folder that is empty or not there yet." />
        {error !== undefined && <ErrorState error={error} />}
      </form>
    </Dialog>
  );
}
