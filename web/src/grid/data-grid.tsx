/**
 * A grid over any number of rows and columns: only what is on screen is in the document. It is a grid to assistive technology as well (row and column counts and numbers), and one place to the
 * keyboard: arrows, Page Up and Down, Home and End, with Ctrl to the first and last row; Enter shows a value in full, Ctrl+C copies it.
 */
import { useCallback, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactElement, type Ref } from 'react';
import { HEADER_HEIGHT, ROW_HEIGHT, type CellPlace } from './grid-measures.ts';
import { GridRows } from './grid-rows.tsx';
import { columnsInView, offsetsOf, type GridColumn } from './grid-columns.ts';
import type { FetchBlock } from './row-blocks.ts';
import { RowBlocks } from './row-blocks.ts';
import { barFor, furthest, isRunningOut, scaleOf, topAfter } from './scroll-scale.ts';

/** The scrollbar is put where it belongs when nothing has moved for so long. */
const SETTLE_MS = 140;

export interface GridHandle {
  /** Puts the row, from 0, at the top (or as near as it gets) and goes there. */
  goTo(row: number): void;
  refresh(): void;
}

interface Props {
  readonly label: string;
  readonly rows: number;
  readonly columns: readonly GridColumn[];
  readonly fetchBlock: FetchBlock;
  readonly onOpen?: (place: CellPlace, value: string | null, isCut: boolean) => void;
  readonly onError?: (error: unknown) => void;
  readonly onView?: (first: number, last: number) => void;
  readonly ref?: Ref<GridHandle>;
}

// oxlint-disable-next-line max-lines-per-function -- one component: its parts share the place on screen
export function DataGrid({ label, rows, columns, fetchBlock, onOpen, onError, onView, ref }: Props): ReactElement {
  const scroller = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 800, height: 400 });
  const [top, setTop] = useState(0);
  const [left, setLeft] = useState(0);
  const [active, setActive] = useState<CellPlace>({ row: 0, column: 0 });
  const [, setVersion] = useState(0);
  const changed = useCallback(() => setVersion((version) => version + 1), []);
  const blocks = useMemo(() => new RowBlocks(fetchBlock, changed), [fetchBlock, changed]);
  useEffect(() => () => blocks.clear(), [blocks]);

  const numberWidth = Math.max(52, String(rows).length * 8.6 + 26);
  const view = Math.max(0, size.height - HEADER_HEIGHT);
  const scale = useMemo(() => scaleOf(rows, ROW_HEIGHT, view), [rows, view]);
  const offsets = useMemo(() => offsetsOf(columns, numberWidth), [columns, numberWidth]);
  /** What scroll events are compared with; not state, because it changes without anything to draw. */
  const place = useRef({ top: 0, bar: 0, settle: 0 });

  const moveBar = useCallback((bar: number) => {
    const element = scroller.current;
    if (element === null) return;
    element.scrollTop = bar;
    place.current.bar = element.scrollTop;
  }, []);
  const setPlace = useCallback((next: number) => {
    const clamped = Math.min(furthest(scale), Math.max(0, next));
    place.current.top = clamped;
    setTop(clamped);
    moveBar(barFor(scale, clamped));
  }, [scale, moveBar]);

  const onScroll = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    setLeft(element.scrollLeft);
    const now = place.current;
    const bar = element.scrollTop;
    if (bar === now.bar) return;
    now.top = topAfter(scale, now.top, now.bar, bar);
    now.bar = bar;
    setTop(now.top);
    if (isRunningOut(scale, now.top, bar)) moveBar(barFor(scale, now.top));
    clearTimeout(now.settle);
    now.settle = window.setTimeout(() => {
      // The scrollbar has been moved meanwhile and its event is still to come: it would be lost.
      if (element.scrollTop === now.bar) moveBar(barFor(scale, now.top));
    }, SETTLE_MS);
  }, [scale, moveBar]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const measure = (): void => setSize({ width: element.clientWidth, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  // The table became shorter or longer, or the window did.
  useLayoutEffect(() => setPlace(place.current.top), [setPlace]);

  const first = Math.floor(top / ROW_HEIGHT);
  const last = Math.min(rows - 1, Math.ceil((top + view) / ROW_HEIGHT));
  useEffect(() => {
    if (rows > 0) blocks.want(first, Math.max(first, last), rows);
  }, [blocks, first, last, rows]);
  useEffect(() => onView?.(first, Math.max(0, Math.min(rows - 1, Math.floor((top + view) / ROW_HEIGHT) - 1))), [onView, first, rows, top, view]);
  const { error } = blocks;
  useEffect(() => onError?.(error), [onError, error]);

  const goTo = useCallback((cell: CellPlace, atTop = false) => {
    const row = Math.min(rows - 1, Math.max(0, cell.row));
    const column = Math.min(columns.length - 1, Math.max(0, cell.column));
    setActive({ row, column });
    const y = row * ROW_HEIGHT;
    const now = place.current.top;
    if (atTop || y < now) setPlace(y);
    else if (y + ROW_HEIGHT > now + view) setPlace(y + ROW_HEIGHT - view);
    const element = scroller.current;
    if (element === null) return;
    const [from, to] = [offsets[column] - numberWidth, offsets[column + 1]];
    if (from < element.scrollLeft) element.scrollLeft = from;
    else if (to > element.scrollLeft + element.clientWidth) element.scrollLeft = Math.min(from, to - element.clientWidth);
  }, [rows, columns.length, setPlace, view, offsets, numberWidth]);
  useImperativeHandle(ref, () => ({
    goTo: (row) => goTo({ row, column: 0 }, true),
    refresh: () => {
      blocks.clear();
      changed();
    },
  }), [goTo, blocks, changed]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const value = blocks.row(active.row)?.[active.column];
    if ((event.ctrlKey || event.metaKey) && event.key === 'c' && value !== undefined && getSelection()?.isCollapsed !== false) {
      void navigator.clipboard.writeText(value ?? '');
      event.preventDefault();
      return;
    }
    if (event.key === 'Enter' && value !== undefined) {
      onOpen?.(active, value, blocks.isCut(active.row, active.column));
      event.preventDefault();
      return;
    }
    const next = moved(active, event, { rows, columns: columns.length, page: Math.max(1, Math.floor(view / ROW_HEIGHT) - 1) });
    if (next === undefined) return;
    event.preventDefault();
    // A page moves with the cell, as far as there are rows.
    if (event.key.startsWith('Page')) setPlace(place.current.top + (next.row - active.row) * ROW_HEIGHT);
    goTo(next);
  };

  const shown = columnsInView(offsets, left + numberWidth, left + size.width);
  return (
    <div
      ref={scroller} role="grid" aria-label={label} aria-rowcount={rows + 1} aria-colcount={columns.length + 1} aria-activedescendant={rows === 0 ? undefined : `cell-${active.row}-${active.column}`} tabIndex={0}
      onScroll={onScroll} onKeyDown={onKeyDown}
      className="group/grid relative h-full w-full overflow-auto overscroll-contain bg-surface focus-visible:outline-offset-[-2px]"
    >
      <div style={{ height: scale.height + HEADER_HEIGHT, width: offsets.at(-1) }} className="relative">
        <div className="sticky top-0 left-0 overflow-hidden" style={{ height: size.height, width: size.width }}>
          <GridRows {...{ rows, columns, offsets, numberWidth, first, last, top, left, shown, blocks, active }} onPick={(cell) => setActive(cell)} onOpen={(cell) => onOpen?.(cell, blocks.row(cell.row)?.[cell.column] ?? null, blocks.isCut(cell.row, cell.column))} />
        </div>
      </div>
    </div>
  );
}

function moved({ row, column }: CellPlace, event: KeyboardEvent, { rows, columns, page }: { rows: number; columns: number; page: number }): CellPlace | undefined {
  const all = event.ctrlKey || event.metaKey;
  switch (event.key) {
    case 'ArrowDown': return { row: all ? rows - 1 : row + 1, column };
    case 'ArrowUp': return { row: all ? 0 : row - 1, column };
    case 'ArrowRight': return { row, column: all ? columns - 1 : column + 1 };
    case 'ArrowLeft': return { row, column: all ? 0 : column - 1 };
    case 'PageDown': return { row: row + page, column };
    case 'PageUp': return { row: row - page, column };
    case 'Home': return all ? { row: 0, column: 0 } : { row, column: 0 };
    case 'End': return all ? { row: rows - 1, column: columns - 1 } : { row, column: columns - 1 };
    default: return undefined;
  }
}
