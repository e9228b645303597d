/** Files and folders of the server, below those that it was started with. */
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import type { listFiles } from '../../../../src/server/contracts/files.ts';
import { ask } from '../../api/client.ts';
import type { FileListing } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { Icon } from '../../components/icon.tsx';
import { Panel } from '../../components/panel.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../components/states.tsx';
import { ago, bytes } from '../../design/quantities.ts';

export function ServerFiles({ onChoose, action = 'Look at it', folders = true }: { readonly onChoose: (path: string) => void; readonly action?: string; readonly folders?: boolean }): ReactElement {
  const [path, setPath] = useState<string>();
  const files = useQuery({
    queryKey: ['files', path ?? ''],
    queryFn: ({ signal }) => ask<typeof listFiles>('GET', '/api/v1/files', { query: { limit: 1000, ...(path === undefined ? {} : { path }) }, signal }),
  });
  const parent = path === undefined ? undefined : path.replace(/\/[^/]*$/, '');
  return (
    <Panel isFlush title="Files of the server" note={path === undefined ? undefined : <span className="break-all">{path}</span>} actions={path !== undefined && <>{folders && <Button isSmall onClick={() => onChoose(path)}>Take the whole folder</Button>}<Button isSmall look="quiet" icon="back" onClick={() => setPath(undefined)}>All folders</Button></>}>
      {files.isPending && <Skeleton lines={4} className="p-4" />}
      {files.error !== null && <div className="p-4"><ErrorState error={files.error} onRetry={() => void files.refetch()} actions={parent !== undefined && <Button isSmall onClick={() => setPath(undefined)}>All folders</Button>} /></div>}
      {files.data?.items.length === 0 && (path === undefined
        ? <EmptyState icon="folder" title="This server shows no files">Whoever runs it says which folders may be read and written: <code>sluice serve --files FOLDER</code>.</EmptyState>
        : <EmptyState icon="folder" title="This folder is empty" />)}
      <ul className="py-1">
        {files.data?.items.map((file) => <FileLine key={file.path} file={file} isTop={path === undefined} action={action} onOpen={() => setPath(file.path)} onChoose={() => onChoose(file.path)} />)}
      </ul>
    </Panel>
  );
}

function FileLine({ file, isTop, action, onOpen, onChoose }: { readonly file: FileListing; readonly isTop: boolean; readonly action: string; readonly onOpen: () => void; readonly onChoose: () => void }): ReactElement {
  const isFolder = file.kind === 'folder';
  return (
    <li>
      <button type="button" onClick={isFolder ? onOpen : onChoose} className="flex w-full items-center gap-3 px-4 py-2 text-left hover:bg-sunken">
        <Icon name={isFolder ? 'folder' : 'file'} className={isFolder ? 'text-accent-ink' : 'text-ink-3'} />
        <span className="min-w-0 flex-1 truncate"><span className="hidden-to-eyes">{isFolder ? 'Open ' : `${action}: `}</span>{isTop ? file.path : file.name}</span>
        {file.bytes !== null && <span className="numeric text-sm text-ink-3">{bytes(file.bytes)}</span>}
        {file.modifiedAt !== null && <span className="w-28 text-right text-sm text-ink-3 max-sm:hidden">{ago(file.modifiedAt)}</span>}
        <Icon name="chevron" size={14} className="text-ink-3" />
      </button>
    </li>
  );
}
