import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import type { listRows } from '../../../../src/server/contracts/connections.ts';
import { ask } from '../../api/client.ts';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { ErrorState, Note } from '../../components/states.tsx';
import { plural, whole } from '../../design/quantities.ts';
import type { GridColumn } from '../../grid/grid-columns.ts';

const LONGEST = 100_000;

/** A value in full, as the database writes it; JSON laid out. */
export function CellDialog({ params, row, column, value, isCut, onClose }: {
  readonly params: { readonly connection: string; readonly table: string }; readonly row: number; readonly column: GridColumn | undefined; readonly value: string | null; readonly isCut: boolean; readonly onClose: () => void;
}): ReactElement {
  const name = column?.name ?? '';
  const full = useQuery({
    queryKey: ['rows', params.connection, params.table, 'cell', row, name], enabled: isCut,
    queryFn: ({ signal }) => ask<typeof listRows>('GET', '/api/v1/connections/{connection}/tables/{table}/rows', { params, query: { position: row, limit: 1, columns: [name], maxCell: LONGEST }, signal }),
  });
  const text = full.data === undefined ? value : (full.data.rows[0]?.[0] ?? null);
  return (
    <Dialog title={`${name}, row ${whole(row + 1)}`} isWide onClose={onClose} actions={<><Button icon="copy" disabled={text === null} onClick={() => void navigator.clipboard.writeText(text ?? '')}>Copy</Button><Button look="primary" onClick={onClose}>Close</Button></>}>
      <p className="mb-2 text-sm text-ink-3">{column?.type}{text !== null && ` · ${plural(text.length, 'character')}`}</p>
      {full.error !== null && <ErrorState error={full.error} />}
      {text === null ? <p className="text-ink-3 italic">null: there is no value</p> : <pre tabIndex={0} className="max-h-[56vh] overflow-auto rounded-md bg-sunken p-3 text-sm whitespace-pre-wrap break-words">{laidOut(text)}</pre>}
      {full.data !== undefined && full.data.cut.length > 0 && <div className="mt-3"><Note>Shown are the first {whole(LONGEST)} characters; an export has all of it.</Note></div>}
    </Dialog>
  );
}

function laidOut(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    // Numbers would lose digits: only what has none of more than fifteen is laid out anew.
    return /\d{16}/.test(text) ? text : JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
