/** The first rows as they would arrive, with the type of each column, which can be chosen otherwise. */
import type { ReactElement } from 'react';
import { COLUMN_TYPES } from './column-types.ts';
import type { PreviewedTable } from './preview-query.ts';

const ROWS_SHOWN = 40;
const COLUMNS_SHOWN = 200;

export function PreviewTable({ table, types, onType }: { readonly table: PreviewedTable; readonly types: Readonly<Record<string, string>>; readonly onType: (column: string, type: string) => void }): ReactElement {
  const columns = table.columns.slice(0, COLUMNS_SHOWN);
  return (
    <div className="max-h-[58vh] overflow-auto" tabIndex={0} role="region" aria-label={`First rows of ${table.name}`}>
      <table className="w-max min-w-full border-separate border-spacing-0 text-sm">
        <thead>
          <tr>
            {columns.map(({ name, type }) => (
              <th key={name} scope="col" className="sticky top-0 z-10 border-r border-b border-line bg-raised px-2.5 py-1.5 text-left align-top last:border-r-0">
                <span className="block max-w-60 truncate font-semibold" title={name}>{name}</span>
                <select aria-label={`Type of ${name}`} value={types[name] ?? type} onChange={(event) => onType(name, event.target.value)} className={`-ml-1 max-w-44 rounded-sm bg-transparent px-0.5 text-xs font-normal hover:bg-sunken ${types[name] === undefined || types[name] === type ? 'text-ink-3' : 'font-medium text-accent-ink'}`}>
                  {[...new Set([type, ...COLUMN_TYPES])].map((one) => <option key={one} value={one}>{one}</option>)}
                </select>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.slice(0, ROWS_SHOWN).map((row, index) => (
            <tr key={index}>
              {columns.map(({ name }, at) => (
                <td key={name} className="max-w-72 truncate border-r border-b border-line px-2.5 py-1 last:border-r-0">
                  {row[at] === null || row[at] === undefined ? <span className="text-xs text-ink-3 italic">null</span> : row[at]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {table.rows.length === 0 && <p className="p-4 text-ink-3">There are no rows in what was looked at.</p>}
      {table.columns.length > COLUMNS_SHOWN && <p className="p-3 text-sm text-ink-3">Shown are the first {COLUMNS_SHOWN} of {table.columns.length} columns.</p>}
    </div>
  );
}
