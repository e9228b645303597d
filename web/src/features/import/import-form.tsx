/** What was found in the source, how it is read, and where it goes. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import type { startRun } from '../../../../src/server/contracts/runs.ts';
import { ask, ApiError } from '../../api/client.ts';
import { connectionsQuery } from '../../api/queries.ts';
import type { JobRequest } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { SelectField, TextField, CheckField } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { Panel } from '../../components/panel.tsx';
import { ErrorState, Note, Skeleton } from '../../components/states.tsx';
import { bytes, plural } from '../../design/quantities.ts';
import { connectionTitle, EMBEDDED } from '../connections/connection-words.ts';
import { choose } from './chosen-files.ts';
import { PreviewTable } from './preview-table.tsx';
import { previewQuery, type ImportSource, type Preview, type Reading } from './preview-query.ts';
import { ReadingFields } from './reading-fields.tsx';
import { sendFile } from './uploads.ts';

const MODES = { append: 'Add to the table, or make it', replace: 'Replace what is in the table', upsert: 'Newer rows replace older ones, by a key' } as const;

interface Target {
  readonly to: string;
  readonly table: string;
  readonly mode: keyof typeof MODES;
  readonly key: string;
  readonly puts: boolean;
  readonly maxErrors: string;
}

// oxlint-disable-next-line max-lines-per-function -- one form
export function ImportForm({ source, onBack }: { readonly source: ImportSource; readonly onBack: () => void }): ReactElement {
  const navigate = useNavigate();
  const [reading, setReading] = useState<Reading>({});
  const [types, setTypes] = useState<Readonly<Record<string, string>>>({});
  const [target, setTarget] = useState<Target>({ to: EMBEDDED, table: '', mode: 'append', key: '', puts: false, maxErrors: '' });
  const [isStarting, setStarting] = useState(false);
  const [error, setError] = useState<unknown>();
  const connections = useQuery(connectionsQuery);
  const preview = useQuery({ ...previewQuery(source, reading), placeholderData: keepPreviousData });
  const isParquet = preview.error instanceof ApiError && preview.error.code === 'OPTION_UNSUPPORTED' && preview.error.message.includes('Parquet');
  const isOne = (source.kind !== 'file' || source.files.length === 1) && (preview.data === undefined || preview.data.tables.length <= 1);
  const change = (next: Partial<Target>): void => setTarget((before) => ({ ...before, ...next }));
  const start = async (): Promise<void> => {
    setStarting(true);
    setError(undefined);
    try {
      const run = source.kind === 'file' ? await startUploads(source.files, target, reading, types, isOne) : await startOnServer(source.source, target, reading, types, isOne);
      choose([]);
      await navigate({ to: '/runs/$run', params: { run } });
    } catch (thrown) {
      setError(thrown);
      setStarting(false);
    }
  };
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_340px] lg:gap-5">
      <div className="flex min-w-0 flex-col gap-4">
        <Panel isFlush title={<SourceTitle source={source} />} actions={<Button isSmall look="quiet" icon="back" onClick={onBack}>Choose another</Button>}>
          {preview.isPending && <Skeleton lines={8} className="p-4" />}
          {isParquet && <div className="p-4"><Note icon="file">A Parquet file describes its columns at its end, so they show when it has been sent. Everything else is as with any file.</Note></div>}
          {preview.error !== null && !isParquet && <div className="p-4"><ErrorState error={preview.error} onRetry={() => void preview.refetch()} /></div>}
          {preview.data !== undefined && preview.error === null && <Found preview={preview.data} types={types} onType={(column, type) => setTypes((before) => ({ ...before, [column]: type }))} isStale={preview.isPlaceholderData} />}
        </Panel>
        <ReadingFields reading={reading} onChange={setReading} found={preview.data?.tables[0]} />
      </div>
      <Panel title="Where it goes">
        <form className="flex flex-col gap-3.5" onSubmit={(event) => { event.preventDefault(); void start(); }}>
          <SelectField label="Database" value={target.to} onChange={(event) => change({ to: event.target.value })}>
            {(connections.data ?? [{ name: EMBEDDED }]).map(({ name }) => <option key={name} value={name}>{connectionTitle(name)}</option>)}
          </SelectField>
          {isOne
            ? <TextField label="Table" value={target.table} placeholder={preview.data?.tables[0]?.name ?? 'name of the file'} onChange={(event) => change({ table: event.target.value })} hint="Empty: the name of the file. A schema can be said: sales.orders" />
            : <Note>{source.kind === 'file' && source.files.length > 1 ? `Each of the ${source.files.length} files becomes a table of its own name, one after the other.` : `Each of the ${preview.data?.tables.length ?? ''} tables keeps its own name.`}</Note>}
          <SelectField label="Rows that are there" value={target.mode} onChange={(event) => change({ mode: event.target.value as Target['mode'] })}>
            {Object.entries(MODES).map(([value, text]) => <option key={value} value={value}>{text}</option>)}
          </SelectField>
          {target.mode === 'upsert' && <TextField label="Key columns" value={target.key} onChange={(event) => change({ key: event.target.value })} placeholder={preview.data?.tables[0]?.columns[0]?.name ?? 'id'} hint="Empty: the primary key of the table. Several with commas." />}
          <CheckField label="Put bad rows aside and go on" checked={target.puts} onChange={(event) => change({ puts: event.target.checked })} hint="Rows that break a type or constraint go into the quarantine, where they can be corrected and loaded again. Otherwise the first bad row ends the import, and the table stays as it was." />
          {target.puts && <TextField label="At most" value={target.maxErrors} onChange={(event) => change({ maxErrors: event.target.value })} placeholder="no limit" pattern="\d+|\d+(\.\d+)?%" hint="A number of rows, or a percentage such as 1%. Over it, nothing is loaded." />}
          {error !== undefined && <ErrorState error={error} />}
          <Button type="submit" look="primary" icon="import" isBusy={isStarting} disabled={preview.isPending || (preview.error !== null && !isParquet)}>{isStarting ? 'Starting' : 'Import'}</Button>
          {source.kind === 'file' && <p className="text-xs text-ink-3">The file is loaded while it is sent. Keep this page open until it is done; you may walk about in it.</p>}
        </form>
      </Panel>
    </div>
  );
}

function SourceTitle({ source }: { readonly source: ImportSource }): ReactElement {
  const text = source.kind === 'file' ? (source.files.length === 1 ? source.files[0].name : plural(source.files.length, 'file')) : source.source;
  const size = source.kind === 'file' ? source.files.reduce((sum, file) => sum + file.size, 0) : undefined;
  return <span className="flex min-w-0 items-center gap-2"><Icon name={source.kind === 'url' ? 'link' : 'file'} className="text-ink-3" /><span className="break-all">{text}</span>{size !== undefined && <span className="numeric font-normal whitespace-nowrap text-ink-3">{bytes(size)}</span>}</span>;
}

function Found({ preview, types, onType, isStale }: { readonly preview: Preview; readonly types: Readonly<Record<string, string>>; readonly onType: (column: string, type: string) => void; readonly isStale: boolean }): ReactElement {
  const [shown, setShown] = useState(0);
  const table = preview.tables[Math.min(shown, preview.tables.length - 1)];
  if (table === undefined) return <div className="p-4"><Note tone="warn">There is no table in it.</Note></div>;
  return (
    <div className={isStale ? 'opacity-60' : ''}>
      <div className="flex flex-wrap items-center gap-1.5 border-b border-line px-4 py-2.5">
        <Badge tone="accent">{table.format.toUpperCase()}</Badge>
        {table.compression !== 'none' && <Badge>{table.compression}</Badge>}
        {Object.entries(table.details).map(([name, value]) => DETAILS[name]?.(value)).filter((text) => text !== undefined).map((text) => <Badge key={text}>{text}</Badge>)}
        <Badge>{plural(table.columns.length, 'column')}</Badge>
        {table.estimatedRows !== null && <Badge>≈ {plural(Math.round(table.estimatedRows), 'row')}</Badge>}
      </div>
      {preview.tables.length > 1 && (
        <div className="flex gap-1 overflow-x-auto border-b border-line px-3 py-1.5" role="group" aria-label="Tables in it">
          {preview.tables.map((one, index) => <button key={`${one.source} ${one.name}`} type="button" aria-pressed={index === shown} onClick={() => setShown(index)} className="rounded-md px-2.5 py-1 text-sm whitespace-nowrap text-ink-2 aria-pressed:bg-accent-soft aria-pressed:font-medium aria-pressed:text-accent-ink">{one.name}</button>)}
        </div>
      )}
      <PreviewTable table={table} types={types} onType={onType} />
      {preview.sources > 20 && <p className="border-t border-line px-4 py-2 text-sm text-ink-3">Shown are the first 20 of {preview.sources} files.</p>}
    </div>
  );
}

const DELIMITERS: Readonly<Record<string, string>> = { ',': 'commas', ';': 'semicolons', '\t': 'tabs', '|': 'bars' };

/** What people want to see of what was detected; what is as usual is not said. */
const DETAILS: Readonly<Record<string, (value: unknown) => string | undefined>> = {
  delimiter: (value) => `separated by ${DELIMITERS[String(value)] ?? String(value)}`,
  quote: (value) => (value === '"' ? undefined : value === '' ? 'no quotes' : `quotes ${String(value)}`),
  header: (value) => (value === true ? 'names in the first line' : 'no names'),
  nullText: (value) => (value === '' ? undefined : `NULL is ${String(value)}`),
  charset: (value) => (typeof value === 'string' ? value.toUpperCase() : undefined),
  dialect: (value) => String(value),
  layout: (value) => (typeof value === 'string' ? value : undefined),
};

function definedOf(reading: Reading): Reading {
  return Object.fromEntries(Object.entries(reading).filter(([, value]) => value !== undefined && value !== ''));
}

// oxlint-disable-next-line max-params -- what the form holds
async function startUploads(files: readonly File[], target: Target, reading: Reading, types: Readonly<Record<string, string>>, isOne: boolean): Promise<string> {
  let first: string | undefined;
  for (const file of files) {
    const run = await sendFile(file, {
      to: target.to, mode: target.mode, ...definedOf(reading), ...(isOne && target.table.trim() !== '' ? { table: target.table.trim() } : {}),
      ...(target.mode === 'upsert' && target.key.trim() !== '' ? { key: target.key } : {}), ...(target.puts ? { onError: 'quarantine', ...(target.maxErrors === '' ? {} : { maxErrors: target.maxErrors }) } : {}),
      ...(Object.keys(types).length === 0 ? {} : { type: Object.entries(types).map(([column, type]) => `${column}=${type}`) }),
    });
    first ??= run;
  }
  return first!;
}

// oxlint-disable-next-line max-params -- what the form holds
async function startOnServer(source: string, target: Target, reading: Reading, types: Readonly<Record<string, string>>, isOne: boolean): Promise<string> {
  const { format, delimiter, header, nullText, charset, jsonPath } = definedOf(reading);
  const csv = { ...(delimiter === undefined ? (format === 'tsv' ? { delimiter: '\t' } : {}) : { delimiter: delimiter === 'tab' ? '\t' : delimiter }), ...(header === undefined ? {} : { header: header === 'true' }), ...(nullText === undefined ? {} : { nullText }) };
  const read = { ...(Object.keys(csv).length === 0 ? {} : { csv }), ...(charset === undefined ? {} : { charset }), ...(jsonPath === undefined ? {} : { jsonPath }), ...(Object.keys(types).length === 0 ? {} : { types }) };
  const body = {
    job: 'import', sources: [source], to: target.to, mode: target.mode, ...(isOne && target.table.trim() !== '' ? { table: target.table.trim() } : {}),
    ...(target.mode === 'upsert' && target.key.trim() !== '' ? { key: target.key.split(',').map((name) => name.trim()) } : {}),
    ...(format === undefined ? {} : { format: format === 'tsv' ? 'csv' : format }), ...(Object.keys(read).length === 0 ? {} : { read }),
    ...(target.puts ? { onError: 'quarantine', ...(target.maxErrors === '' ? {} : { maxErrors: limitOf(target.maxErrors) }) } : {}),
  } as JobRequest;
  return (await ask<typeof startRun>('POST', '/api/v1/runs', { body, key: crypto.randomUUID() })).run;
}

function limitOf(text: string): { kind: 'percent'; percent: number } | { kind: 'rows'; rows: number } {
  return text.endsWith('%') ? { kind: 'percent', percent: Number(text.slice(0, -1)) } : { kind: 'rows', rows: Number(text) };
}
