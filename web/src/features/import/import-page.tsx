/** Brings data in: choose where it is, look at it, say where it goes, watch it. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import type { ImportSearch } from '../../router.tsx';
import { PageHead, Panel } from '../../components/panel.tsx';
import { Icon, type IconName } from '../../components/icon.tsx';
import { choose, useChosenFiles } from './chosen-files.ts';
import { CopyForm } from './copy-form.tsx';
import { DropTarget } from './drop-target.tsx';
import { ImportForm } from './import-form.tsx';
import type { ImportSource } from './preview-query.ts';
import { ServerFiles } from './server-files.tsx';
import { UrlForm } from './url-form.tsx';

type Place = NonNullable<ImportSearch['from']>;

const PLACES: readonly { readonly place: Place; readonly icon: IconName; readonly text: string }[] = [
  { place: 'file', icon: 'file', text: 'This computer' }, { place: 'server', icon: 'folder', text: 'The server' }, { place: 'url', icon: 'link', text: 'An address' }, { place: 'connection', icon: 'database', text: 'A database' },
];

export function ImportPage(): ReactElement {
  const { from = 'file' } = useSearch({ from: '/import' });
  const navigate = useNavigate();
  const files = useChosenFiles();
  const [remote, setRemote] = useState<ImportSource>();
  const source: ImportSource | undefined = from === 'file' ? (files.length > 0 ? { kind: 'file', files } : undefined) : (remote?.kind === from ? remote : undefined);
  const back = (): void => {
    choose([]);
    setRemote(undefined);
  };
  return (
    <>
      <PageHead title="Import" note={source === undefined ? 'Where is the data?' : 'Look at it, say where it goes, and load it.'} />
      {source === undefined && (
        <nav aria-label="Where the data is" className="mb-4 grid grid-cols-2 gap-2 sm:grid-cols-4">
          {PLACES.map(({ place, icon, text }) => (
            <button key={place} type="button" aria-pressed={place === from} onClick={() => void navigate({ to: '/import', search: { from: place } })} className="flex h-11 items-center justify-center gap-2 rounded-md border border-line-strong bg-surface px-3 font-medium text-ink-2 hover:text-ink aria-pressed:border-accent aria-pressed:bg-accent-soft aria-pressed:text-accent-ink">
              <Icon name={icon} />{text}
            </button>
          ))}
        </nav>
      )}
      {source !== undefined && <ImportForm key={source.kind === 'file' ? source.files.map(({ name }) => name).join('/') : source.source} source={source} onBack={back} />}
      {source === undefined && from === 'file' && <DropTarget isLarge />}
      {source === undefined && from === 'server' && <ServerFiles onChoose={(path) => setRemote({ kind: 'server', source: path })} />}
      {source === undefined && from === 'url' && <Panel title="Read from an address"><UrlForm onChoose={(url) => setRemote({ kind: 'url', source: url })} /></Panel>}
      {from === 'connection' && <CopyForm />}
    </>
  );
}
