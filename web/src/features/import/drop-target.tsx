/** Where files are dropped; they are looked at on the import page before anything is loaded. */
import { useNavigate } from '@tanstack/react-router';
import { useId, useState, type DragEvent, type ReactElement } from 'react';
import { Icon } from '../../components/icon.tsx';
import { choose } from './chosen-files.ts';

const KINDS = '.csv,.tsv,.tab,.psv,.txt,.json,.geojson,.ndjson,.jsonl,.parquet,.pq,.sql,.gz,.zst';

export function DropTarget({ isLarge = false }: { readonly isLarge?: boolean }): ReactElement {
  const [isOver, setOver] = useState(false);
  const navigate = useNavigate();
  const id = useId();
  const take = (files: FileList | null): void => {
    if (files === null || files.length === 0) return;
    choose([...files]);
    void navigate({ to: '/import' });
  };
  const onDrag = (event: DragEvent): void => {
    event.preventDefault();
    setOver(event.type !== 'dragleave' && event.type !== 'drop');
    if (event.type === 'drop') take(event.dataTransfer.files);
  };
  return (
    <div
      onDragEnter={onDrag} onDragOver={onDrag} onDragLeave={onDrag} onDrop={onDrag}
      className={`relative flex flex-col items-center justify-center gap-1 rounded-lg border-2 border-dashed px-5 text-center transition-colors has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent ${isLarge ? 'min-h-64 py-10' : 'py-7'} ${isOver ? 'border-accent bg-accent-soft' : 'border-line-strong bg-surface'}`}
    >
      <Icon name="import" size={isLarge ? 34 : 26} className="mb-1 text-accent-ink" />
      <p className={isLarge ? 'text-lg font-semibold' : 'font-semibold'}>Drop a file here</p>
      <p className="text-sm text-ink-2">or <label htmlFor={id} className="font-medium text-accent-ink underline">choose one</label></p>
      <p className="mt-1.5 max-w-[44ch] text-sm text-ink-3">CSV, JSON, NDJSON, Parquet or SQL of any size, also gzip or Zstandard. It is looked at first; nothing is loaded before you say so.</p>
      <input id={id} type="file" multiple accept={KINDS} className="hidden-to-eyes" onChange={(event) => { take(event.target.files); event.target.value = ''; }} />
    </div>
  );
}
