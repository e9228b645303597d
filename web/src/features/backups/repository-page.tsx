import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import type { startRun } from '../../../../src/server/contracts/runs.ts';
import { ask } from '../../api/client.ts';
import { backupsQuery, sessionQuery } from '../../api/queries.ts';
import type { BackupListing, JobRequest } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Button, ButtonLink } from '../../components/button.tsx';
import { PageHead, Panel } from '../../components/panel.tsx';
import { SimpleTable, type TableColumn } from '../../components/simple-table.tsx';
import { EmptyState, ErrorState, Note, Skeleton } from '../../components/states.tsx';
import { bytes, duration, moment, plural, whole } from '../../design/quantities.ts';
import { BackupDialog } from './backup-dialog.tsx';

export function RepositoryPage(): ReactElement {
  const { repository } = useParams({ from: '/backups/$repository' });
  const navigate = useNavigate();
  const backups = useQuery(backupsQuery(repository));
  const mayAct = useQuery(sessionQuery).data?.role !== 'viewer';
  const [isBackingUp, setBackingUp] = useState(false);
  const [error, setError] = useState<unknown>();
  const verify = async (backup?: string): Promise<void> => {
    try {
      const body = { job: 'verify', repository, ...(backup === undefined ? {} : { backup }) } as JobRequest;
      const { run } = await ask<typeof startRun>('POST', '/api/v1/runs', { body, key: crypto.randomUUID() });
      await navigate({ to: '/runs/$run', params: { run } });
    } catch (thrown) {
      setError(thrown);
    }
  };
  const columns: readonly TableColumn<BackupListing>[] = [
    { title: 'Backup', isMain: true, cell: (one) => <span><span className="block truncate font-medium">{one.startedAt === null ? one.backup : moment(one.startedAt)}</span><code className="block text-xs text-ink-3">{one.backup}</code></span> },
    { title: 'Database', from: 'sm', cell: (one) => <span title={one.address ?? undefined}>{one.database ?? '–'}</span> },
    { title: 'Tables', isNumber: true, from: 'sm', cell: (one) => (one.totals === null ? '–' : whole(one.totals.tables)) },
    { title: 'Rows', isNumber: true, from: 'sm', cell: (one) => (one.totals === null ? '–' : whole(one.totals.rows)) },
    { title: 'Data', isNumber: true, from: 'md', cell: (one) => (one.totals === null ? '–' : bytes(one.totals.bytes)) },
    { title: 'New', isNumber: true, from: 'md', cell: (one) => (one.totals === null ? '–' : <span title={`${plural(one.totals.newChunks, 'new chunk')} of ${whole(one.totals.chunks)}`}>{bytes(one.totals.newBytes)}</span>) },
    { title: 'Took', isNumber: true, from: 'lg', cell: (one) => (one.startedAt === null || one.finishedAt === null ? '–' : duration((one.finishedAt - one.startedAt) / 1000)) },
    {
      title: 'Action', isNumber: true, cell: (one) => (
        <span className="flex justify-end gap-1.5">
          {one.status === 'damaged' && <Badge tone="bad" title={one.error?.message ?? ''}>damaged</Badge>}
          {mayAct && <span className="max-sm:hidden"><Button isSmall look="quiet" icon="shield" onClick={() => void verify(one.backup)}>Verify</Button></span>}
          {mayAct && one.status === 'complete' && <ButtonLink isSmall icon="restore" to="/backups/$repository/$backup" params={{ repository, backup: one.backup }}>Restore</ButtonLink>}
        </span>
      ),
    },
  ];
  return (
    <>
      <PageHead above={<Link to="/backups" className="hover:underline">Backups</Link>} title={repository} actions={mayAct && <><Button icon="shield" onClick={() => void verify()}>Verify all</Button><Button look="primary" icon="backup" onClick={() => setBackingUp(true)}>Back up</Button></>} />
      <div className="flex flex-col gap-4">
        {error !== undefined && <ErrorState error={error} />}
        {backups.data?.locks.map((lock) => <Note key={`${lock.pid} ${lock.startedAt}`} tone={lock.stale ? 'warn' : 'neutral'}>{lock.stale ? `A ${lock.purpose} that began ${moment(lock.startedAt)} has died and left its lock; the next run clears it.` : `A ${lock.purpose} is under way since ${moment(lock.startedAt)}.`}</Note>)}
        <Panel title="Backups" isFlush note={backups.data === undefined ? undefined : plural(backups.data.items.length, 'backup')}>
          {backups.isPending && <Skeleton lines={4} className="p-4" />}
          {backups.error !== null && <div className="p-4"><ErrorState error={backups.error} onRetry={() => void backups.refetch()} /></div>}
          {backups.data?.items.length === 0 && <EmptyState icon="backup" title="No backups yet" actions={mayAct && <Button look="primary" icon="backup" onClick={() => setBackingUp(true)}>Back up a database</Button>}>The first one holds everything; those after it add what has changed.</EmptyState>}
          {backups.data !== undefined && backups.data.items.length > 0 && <SimpleTable items={backups.data.items} columns={columns} keyOf={({ backup }) => backup} label="Backups" />}
        </Panel>
      </div>
      {isBackingUp && <BackupDialog repository={repository} onClose={() => setBackingUp(false)} />}
    </>
  );
}
