/** Corrects a rejected row: value by value where its columns are known, else the record as its source has it. */
import { useState, type FormEvent, type ReactElement } from 'react';
import type { QuarantinedRow } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { TextArea } from '../../components/field.tsx';
import { Note } from '../../components/states.tsx';
import type { RowEdit } from './row-edits.ts';

export function EditRow({ row, columns, edit, onKeep, onClose }: {
  readonly row: QuarantinedRow; readonly columns: readonly string[]; readonly edit: RowEdit | undefined; readonly onKeep: (edit: RowEdit | undefined) => void; readonly onClose: () => void;
}): ReactElement {
  const values = row.values !== undefined && columns.length === row.values.length ? row.values : undefined;
  const [changed, setChanged] = useState<Readonly<Record<string, string | null>>>(edit?.values ?? {});
  const [raw, setRaw] = useState(edit?.raw ?? row.raw ?? '');
  const place = { table: row.table, part: row.part, record: row.record };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (values === undefined) onKeep(raw === row.raw ? undefined : { ...place, raw });
    else onKeep(Object.keys(changed).length === 0 ? undefined : { ...place, values: changed });
  };
  return (
    <Dialog title="Correct this row" isWide onClose={onClose} actions={<>{edit !== undefined && <Button look="quiet" onClick={() => onKeep(undefined)}>Leave it as it was</Button>}<Button onClick={onClose}>Cancel</Button><Button look="primary" type="submit" form="edit-row">Keep the correction</Button></>}>
      <form id="edit-row" onSubmit={submit} className="flex flex-col gap-4">
        <Note tone="warn">{row.message}</Note>
        {values === undefined && (row.rawEncoding === 'base64'
          ? <Note>This record is not text; it can be corrected with <code>sluice quarantine export</code>.</Note>
          : <TextArea label="The record, as its source has it" rows={Math.min(14, Math.max(3, raw.split('\n').length + 1))} value={raw} onChange={(event) => setRaw(event.target.value)} autoFocus />)}
        {values !== undefined && (
          <div className="grid gap-3 sm:grid-cols-2">
            {columns.map((name, index) => <Value key={name} name={name} was={values[index]} value={name in changed ? changed[name] : values[index]} isWrong={row.column === name} onChange={(value) => setChanged((before) => withValue(before, name, value, values[index]))} />)}
          </div>
        )}
      </form>
    </Dialog>
  );
}

function withValue(before: Readonly<Record<string, string | null>>, name: string, value: string | null, was: string | null): Record<string, string | null> {
  const { [name]: _, ...rest } = before;
  return value === was ? rest : { ...rest, [name]: value };
}

function Value({ name, was, value, isWrong, onChange }: { readonly name: string; readonly was: string | null; readonly value: string | null; readonly isWrong: boolean; readonly onChange: (value: string | null) => void }): ReactElement {
  const isChanged = value !== was;
  return (
    <div className={`rounded-md border p-2.5 ${isWrong && !isChanged ? 'border-bad bg-bad-soft' : isChanged ? 'border-good bg-good-soft/60' : 'border-line'}`}>
      <label className="block">
        <span className="mb-1 block text-sm font-medium">{name}{isWrong && <span className="font-normal text-bad"> · rejected for this</span>}</span>
        <textarea rows={1} spellCheck={false} value={value ?? ''} placeholder={value === null ? 'null' : ''} onChange={(event) => onChange(event.target.value)} className="w-full rounded-sm border border-line-strong bg-surface px-2 py-1 font-mono text-sm placeholder:italic" />
      </label>
      <span className="flex gap-2 text-xs">
        <button type="button" className="text-ink-2 underline disabled:no-underline disabled:opacity-50" disabled={value === null} onClick={() => onChange(null)} aria-label={`Make ${name} null`}>null</button>
        {isChanged && <button type="button" className="text-ink-2 underline" onClick={() => onChange(was)} aria-label={`Put ${name} back`}>put back</button>}
      </span>
    </div>
  );
}
