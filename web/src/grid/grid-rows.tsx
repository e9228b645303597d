/** What is on screen of a grid. Each row is drawn once and then only moved with the others: a row that stays costs nothing while it scrolls. */
import { memo, type ReactElement } from 'react';
import { HEADER_HEIGHT, ROW_HEIGHT, type CellPlace } from './grid-measures.ts';
import type { GridColumn } from './grid-columns.ts';
import type { Row, RowBlocks } from './row-blocks.ts';

interface Props {
  readonly rows: number;
  readonly columns: readonly GridColumn[];
  readonly offsets: readonly number[];
  readonly numberWidth: number;
  readonly first: number;
  readonly last: number;
  readonly top: number;
  readonly left: number;
  readonly shown: readonly [number, number];
  readonly blocks: RowBlocks;
  readonly active: CellPlace;
  readonly onPick: (place: CellPlace) => void;
  readonly onOpen: (place: CellPlace) => void;
}

/** Rows are placed relative to a row that changes rarely, so that their own style does not. */
const ORIGIN_ROWS = 1000;

export function GridRows({ rows, columns, offsets, numberWidth, first, last, top, left, shown, blocks, active, onPick, onOpen }: Props): ReactElement {
  const origin = Math.floor(first / ORIGIN_ROWS) * ORIGIN_ROWS;
  const lines = Array.from({ length: Math.max(0, Math.min(last, rows - 1) - first + 1) }, (_, index) => first + index);
  const [from, to] = shown;
  const pick = (event: { target: EventTarget }): CellPlace | undefined => {
    const cell = (event.target as HTMLElement).closest<HTMLElement>('[data-cell]')?.dataset.cell?.split(':');
    return cell === undefined ? undefined : { row: Number(cell[0]), column: Number(cell[1]) };
  };
  return (
    <>
      <div role="row" aria-rowindex={1} className="absolute inset-x-0 top-0 z-10 overflow-hidden border-b border-line-strong bg-raised" style={{ height: HEADER_HEIGHT }}>
        <div role="columnheader" aria-colindex={1} className="absolute inset-y-0 left-0 z-10 flex items-center justify-end border-r border-line bg-raised pr-2.5 text-xs text-ink-3" style={{ width: numberWidth }}><span aria-hidden="true">#</span><span className="hidden-to-eyes">Row</span></div>
        {columns.slice(from, to).map((column, index) => (
          <div role="columnheader" aria-colindex={from + index + 2} key={from + index} title={`${column.name} · ${column.type}`} className={`absolute inset-y-0 flex flex-col justify-center border-r border-line px-3 ${column.isNumber ? 'items-end' : ''}`} style={{ left: offsets[from + index] - left, width: column.width }}>
            <span className="max-w-full truncate text-sm font-semibold">{column.name}</span>
            <span className="max-w-full truncate text-xs text-ink-3">{column.isKey === true ? `key · ${column.type}` : column.type}</span>
          </div>
        ))}
      </div>
      <div role="rowgroup" className="absolute inset-x-0 bottom-0 overflow-hidden" style={{ top: HEADER_HEIGHT }} onPointerDown={(event) => { const cell = pick(event); if (cell !== undefined) onPick(cell); }} onDoubleClick={(event) => { const cell = pick(event); if (cell !== undefined) onOpen(cell); }}>
        <div role="presentation" className="will-change-transform" style={{ transform: `translate3d(${-left}px, ${origin * ROW_HEIGHT - top}px, 0)` }}>
          {lines.map((index) => (
            <Line key={index} {...{ index, columns, offsets, from, to, numberWidth }} left={left} y={(index - origin) * ROW_HEIGHT} row={blocks.row(index)} activeColumn={active.row === index ? active.column : -1} />
          ))}
        </div>
      </div>
    </>
  );
}

interface LineProps {
  readonly index: number;
  readonly y: number;
  readonly row: Row | undefined;
  readonly columns: readonly GridColumn[];
  readonly offsets: readonly number[];
  readonly from: number;
  readonly to: number;
  readonly left: number;
  readonly numberWidth: number;
  readonly activeColumn: number;
}

const Line = memo(function GridLine({ index, y, row, columns, offsets, from, to, left, numberWidth, activeColumn }: LineProps): ReactElement {
  return (
    <div role="row" aria-rowindex={index + 2} className="absolute top-0 left-0 hover:[&>*]:bg-sunken" style={{ transform: `translateY(${y}px)`, height: ROW_HEIGHT, width: offsets.at(-1) }}>
      <div role="rowheader" aria-colindex={1} className="numeric absolute inset-y-0 z-[1] border-r border-b border-line bg-surface pr-2.5 text-right text-xs leading-[27px] text-ink-3" style={{ left, width: numberWidth }}>{index + 1}</div>
      {columns.slice(from, to).map((column, offset) => {
        const at = from + offset;
        const value = row?.[at];
        return (
          <div
            role="gridcell" id={`cell-${index}-${at}`} aria-colindex={at + 2} aria-selected={at === activeColumn} key={at} data-cell={`${index}:${at}`}
            className={`absolute inset-y-0 truncate border-r border-b border-line bg-surface px-3 text-sm leading-[27px] ${column.isNumber ? 'numeric text-right' : ''} aria-selected:outline-2 aria-selected:outline-offset-[-2px] aria-selected:outline-accent/45 group-focus-visible/grid:aria-selected:outline-accent`}
            style={{ left: offsets[at], width: column.width }}
          >
            {row === undefined ? <span className="inline-block h-2 w-3/5 animate-pulse rounded-sm bg-sunken" /> : value === null ? <span className="text-xs text-ink-3 italic">null</span> : value === '' ? <span className="text-xs text-ink-3 italic">empty</span> : shownText(value ?? '')}
          </div>
        );
      })}
    </div>
  );
});

/** One line of it. */
function shownText(value: string): string {
  return (value.length > 300 ? value.slice(0, 300) : value).replace(/[\r\n\t]+/g, ' ⏎ ');
}
