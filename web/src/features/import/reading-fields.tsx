import type { ReactElement } from 'react';
import { SelectField, TextField } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import type { PreviewedTable, Reading } from './preview-query.ts';

/** For what was detected wrongly. What is left as it is stays detected. */
export function ReadingFields({ reading, onChange, found }: { readonly reading: Reading; readonly onChange: (reading: Reading) => void; readonly found: PreviewedTable | undefined }): ReactElement {
  const format = reading.format ?? found?.format;
  const isCsv = format === undefined || format === 'csv' || format === 'tsv';
  const set = (name: keyof Reading) => (event: { target: { value: string } }): void => onChange({ ...reading, [name]: event.target.value === '' ? undefined : event.target.value });
  return (
    <details className="group rounded-lg border border-line bg-surface shadow-card">
      <summary className="flex list-none items-center gap-2 px-4 py-3 font-medium select-none [&::-webkit-details-marker]:hidden"><Icon name="chevron" size={14} className="text-ink-3 transition-transform group-open:rotate-90" />Read it otherwise</summary>
      <div className="grid gap-3 border-t border-line p-4 sm:grid-cols-3">
        <SelectField label="Format" value={reading.format ?? ''} onChange={set('format')}>
          <option value="">As detected</option>
          {['csv', 'tsv', 'json', 'ndjson', 'sql'].map((one) => <option key={one} value={one}>{one.toUpperCase()}</option>)}
        </SelectField>
        <SelectField label="Characters" value={reading.charset ?? ''} onChange={set('charset')}>
          <option value="">As detected</option>
          {['utf-8', 'utf-16le', 'utf-16be', 'latin1', 'windows-1252'].map((one) => <option key={one} value={one}>{one}</option>)}
        </SelectField>
        {isCsv && (
          <>
            <SelectField label="First line" value={reading.header ?? ''} onChange={set('header')}>
              <option value="">As detected</option>
              <option value="true">has the names of the columns</option>
              <option value="false">is a row like others</option>
            </SelectField>
            <SelectField label="Fields are separated by" value={reading.delimiter ?? ''} onChange={set('delimiter')}>
              <option value="">As detected</option>
              <option value=",">comma</option>
              <option value=";">semicolon</option>
              <option value="tab">tab</option>
              <option value="|">bar</option>
            </SelectField>
            <TextField label="No value (NULL) is written" value={reading.nullText ?? ''} onChange={set('nullText')} placeholder="nothing" />
          </>
        )}
        {(format === 'json') && <TextField label="Records are under the key" value={reading.jsonPath ?? ''} onChange={set('jsonPath')} placeholder="as detected" />}
      </div>
    </details>
  );
}
