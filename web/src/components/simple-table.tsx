/** A table of some rows (the grid is for many): on a phone it scrolls within its panel. */
import type { ReactElement, ReactNode } from 'react';

export interface TableColumn<T> {
  readonly title: string;
  readonly cell: (item: T) => ReactNode;
  readonly isNumber?: boolean;
  /** Left out below this width. */
  readonly from?: 'sm' | 'md' | 'lg';
}

const FROM = { sm: 'max-sm:hidden', md: 'max-md:hidden', lg: 'max-lg:hidden' } as const;

export function SimpleTable<T>({ items, columns, keyOf, label }: { readonly items: readonly T[]; readonly columns: readonly TableColumn<T>[]; readonly keyOf: (item: T) => string; readonly label: string }): ReactElement {
  const place = ({ isNumber, from }: TableColumn<T>): string => `${isNumber === true ? 'numeric text-right' : 'text-left'} ${from === undefined ? '' : FROM[from]}`;
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={label}>
      <table className="w-full border-collapse text-base">
        <thead>
          <tr>{columns.map((column) => <th key={column.title} scope="col" className={`border-b border-line px-3 py-2 text-xs font-medium whitespace-nowrap text-ink-3 first:pl-4 last:pr-4 ${place(column)}`}>{column.title}</th>)}</tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={keyOf(item)} className="hover:bg-sunken/60 [&:not(:last-child)>td]:border-b [&>td]:border-line">
              {columns.map((column) => <td key={column.title} className={`px-3 py-2 align-middle first:pl-4 last:pr-4 ${place(column)}`}>{column.cell(item)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
