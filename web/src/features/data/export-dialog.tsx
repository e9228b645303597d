/** Takes a table out as a file: the browser downloads it while the server writes it. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactElement } from 'react';
import { connectionsQuery, sessionQuery } from '../../api/queries.ts';
import type { TableListing } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { CheckField, SelectField, TextField } from '../../components/field.tsx';
import { ErrorState, Note } from '../../components/states.tsx';
import { plural } from '../../design/quantities.ts';
import { download } from './downloads.ts';

const FORMATS = { csv: 'CSV', tsv: 'TSV', json: 'JSON (one array)', ndjson: 'NDJSON (a record a line)', parquet: 'Parquet', sql: 'SQL (INSERT statements)' } as const;

export function ExportDialog({ connection, table, rows, onClose }: { readonly connection: string; readonly table: TableListing; readonly rows: number | undefined; readonly onClose: () => void }): ReactElement {
  const [format, setFormat] = useState<keyof typeof FORMATS>('csv');
  const [compress, setCompress] = useState<'none' | 'gzip' | 'zstd'>('none');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(() => new Set(table.columns.map(({ name }) => name)));
  const [where, setWhere] = useState('');
  const kind = useQuery(connectionsQuery).data?.find(({ name }) => name === connection)?.kind;
  const role = useQuery(sessionQuery).data?.role;
  const takesSql = kind === 'postgres' && role !== 'viewer';
  const isAll = chosen.size === table.columns.length;
  const [isBeginning, setBeginning] = useState(false);
  const [error, setError] = useState<unknown>();
  // Closed meanwhile: then nothing is to come.
  const closed = useRef(new AbortController());
  useEffect(() => {
    const controller = new AbortController();
    closed.current = controller;
    return () => controller.abort();
  }, []);
  const begin = async (): Promise<void> => {
    const { signal } = closed.current;
    setBeginning(true);
    setError(undefined);
    try {
      await download(table.name, {
        from: connection, table: [asListed(table.name)], format, ...(format === 'parquet' ? {} : { compress }),
        ...(isAll ? {} : { columns: table.columns.map(({ name }) => name).filter((name) => chosen.has(name)).map(asListed) }), ...(takesSql && where.trim() !== '' ? { where: where.trim() } : {}),
      }, signal);
      onClose();
    } catch (thrown) {
      if (!signal.aborted) setError(thrown);
    } finally {
      setBeginning(false);
    }
  };
  const toggle = (name: string): void => setChosen((before) => {
    const next = new Set(before);
    if (!next.delete(name)) next.add(name);
    return next;
  });
  return (
    <Dialog
      title={`Export ${table.name}`} onClose={onClose}
      actions={(
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" icon="export" isBusy={isBeginning} disabled={chosen.size === 0} onClick={() => void begin()}>{isBeginning ? 'Beginning' : 'Download'}</Button>
        </>
      )}
    >
      <div className="flex flex-col gap-4">
        <div className="grid gap-3 sm:grid-cols-2">
          <SelectField label="Format" value={format} onChange={(event) => setFormat(event.target.value as keyof typeof FORMATS)}>
            {Object.entries(FORMATS).map(([value, text]) => <option key={value} value={value}>{text}</option>)}
          </SelectField>
          <SelectField label="Compression" value={format === 'parquet' ? 'none' : compress} disabled={format === 'parquet'} onChange={(event) => setCompress(event.target.value as typeof compress)}>
            <option value="none">{format === 'parquet' ? 'Parquet has its own' : 'None'}</option>
            <option value="gzip">gzip</option>
            <option value="zstd">Zstandard</option>
          </SelectField>
        </div>
        <fieldset>
          <legend className="mb-1.5 flex w-full items-center text-sm font-medium text-ink-2">Columns ({chosen.size} of {table.columns.length})</legend>
          <div className="grid max-h-44 gap-x-4 gap-y-1 overflow-auto rounded-md border border-line p-2.5 sm:grid-cols-2" tabIndex={0} role="group" aria-label="Columns to export">
            {table.columns.map(({ name }) => <CheckField key={name} label={name} checked={chosen.has(name)} onChange={() => toggle(name)} />)}
          </div>
          <div className="mt-1.5 flex gap-1.5"><Button isSmall look="quiet" onClick={() => setChosen(new Set(table.columns.map(({ name }) => name)))}>All</Button><Button isSmall look="quiet" onClick={() => setChosen(new Set())}>None</Button></div>
        </fieldset>
        {takesSql && <TextField label="Only rows where" placeholder="country = 'CH' AND elevation > 1000" value={where} onChange={(event) => setWhere(event.target.value)} className="[&_input]:font-mono" hint="A condition in SQL; empty takes all rows." />}
        <Note>{rows === undefined ? 'All rows' : plural(rows, 'row')} of one moment, streamed: there is no limit. This page tells when the file is whole, or why it is not.</Note>
        {error !== undefined && <ErrorState error={error} />}
      </div>
    </Dialog>
  );
}

/** A name may have commas and quotes; a list of names needs them said. */
function asListed(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
