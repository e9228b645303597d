/** A table of some rows (the grid is for many): on a phone it scrolls within its panel. */
import type { ReactElement, ReactNode } from 'react';

export interface TableColumn<T> {
  readonly title: string;
  readonly cell: (item: T) => ReactNode;
  readonly isNumber?: boolean;
  /** Takes what the others leave, and cuts its text to that. */
  readonly isMain?: boolean;
  /** Left out where the table is narrower. */
  readonly from?: 'sm' | 'md' | 'lg';
}

/** By the width of the table, not of the window. */
const FROM = { sm: '@max-[440px]:hidden', md: '@max-[620px]:hidden', lg: '@max-[860px]:hidden' } as const;

export function SimpleTable<T>({ items, columns, keyOf, label }: { readonly items: readonly T[]; readonly columns: readonly TableColumn<T>[]; readonly keyOf: (item: T) => string; readonly label: string }): ReactElement {
  const place = ({ isNumber, isMain, from }: TableColumn<T>): string => `${isMain === true ? 'w-full max-w-0' : 'whitespace-nowrap'} ${isNumber === true ? 'numeric text-right' : 'text-left'} ${from === undefined ? '' : FROM[from]}`;
  return (
    <div className="@container overflow-x-auto" tabIndex={0} role="region" aria-label={label}>
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
