/**
 * Which rows differ between two lots of rows, without holding either: first the buckets of hashes in which they differ are found, then the hashes in these that one side has more often than the
 * other, and then the bytes of those rows. Each step reads both sides once. Rows of one key on both sides are one row that was changed.
 */
import type { TableEntry } from '../repository/entry-list.ts';
import { bucketOf, HashBuckets } from './hash-buckets.ts';
import { fieldsOf, keyOf, type Field } from './row-fields.ts';
import { readRows, type ReadRow, type RowVisitor } from './row-reader.ts';

/** One side of a comparison: its streams, which can be read again. */
export interface RowSide {
  streams(): AsyncIterable<AsyncIterable<Uint8Array>>;
}

export interface SidesToCompare {
  readonly backup: RowSide;
  readonly database: RowSide;
  readonly columns: readonly string[];
  /** Columns that tell rows apart; empty: none are known. */
  readonly key: readonly string[];
  readonly encoding: TableEntry['encoding'];
}

export interface SidedRow {
  /** Undefined where no key is known. */
  readonly key: string | undefined;
  readonly fields: readonly Field[];
  /** Bytes of the whole row. */
  readonly length: number;
}

/** `missing`: the backup has it and the database has not. */
export type DifferentRow =
  | { readonly kind: 'missing' | 'extra'; readonly row: SidedRow }
  | { readonly kind: 'changed'; readonly row: SidedRow; readonly now: SidedRow };

export interface RowDifferences {
  /** Rows of the backup that the database has not; a changed row is one of these and one of `extra`. */
  readonly missing: number;
  readonly extra: number;
  /** Undefined where rows have no key, or where there are too many to tell. */
  readonly changed: number | undefined;
  /** False: there are too many to count them; `missing` and `extra` are what a part of them lets expect. */
  readonly isComplete: boolean;
  readonly rows: readonly DifferentRow[];
}

/** Rows whose hashes are held at once: some 4 MB. */
const MOST_HASHES = 30_000;
/** Rows whose bytes are looked at to pair them by key, on each side. */
const MOST_PAIRED = 500;

/** @param wanted how many rows are to be shown */
export async function findRowDifferences(sides: SidesToCompare, wanted: number): Promise<RowDifferences> {
  const { chosen, all } = await differingBuckets(sides);
  const surplus = await surplusIn(chosen, sides);
  let missing = 0, extra = 0;
  for (const count of surplus.values()) {
    if (count > 0) missing += count;
    else extra -= count;
  }
  const isComplete = chosen.size === all;
  if (!isComplete) {
    // Hashes are spread evenly over the buckets.
    missing = Math.round((missing * all) / chosen.size);
    extra = Math.round((extra * all) / chosen.size);
  }
  const shown = wanted === 0 ? NOTHING_SHOWN : await collect(surplus, sides, isComplete);
  return { missing, extra, changed: shown.changed, isComplete, rows: shown.rows.slice(0, wanted) };
}

async function differingBuckets(sides: SidesToCompare): Promise<{ chosen: ReadonlySet<number>; all: number }> {
  const buckets = new HashBuckets();
  const visitor = (sign: 1 | -1): RowVisitor => ({
    wants: (h1, h2, h3, h4) => {
      buckets.add(sign, h1, h2, h3, h4);
      return false;
    },
    row: () => undefined,
  });
  await Promise.all([readSide(sides.backup, sides, visitor(1)), readSide(sides.database, sides, visitor(-1))]);
  return buckets.differing(MOST_HASHES);
}

/** By hash: how many more of these rows the backup has than the database. */
async function surplusIn(buckets: ReadonlySet<number>, sides: SidesToCompare): Promise<Map<string, number>> {
  const surplus = new Map<string, number>();
  const visitor = (sign: 1 | -1): RowVisitor => ({
    wants: (h1, h2, h3, h4) => {
      if (!buckets.has(bucketOf(h1))) return false;
      const name = nameOf(h1, h2, h3, h4), count = (surplus.get(name) ?? 0) + sign;
      if (count === 0) surplus.delete(name);
      else surplus.set(name, count);
      return false;
    },
    row: () => undefined,
  });
  await Promise.all([readSide(sides.backup, sides, visitor(1)), readSide(sides.database, sides, visitor(-1))]);
  return surplus;
}

interface Shown {
  readonly rows: readonly DifferentRow[];
  readonly changed: number | undefined;
}

const NOTHING_SHOWN: Shown = { rows: [], changed: undefined };

/** The bytes of rows that differ, and with them which belong together. */
async function collect(surplus: ReadonlyMap<string, number>, sides: SidesToCompare, isComplete: boolean): Promise<Shown> {
  const missing = await rowsOf(sides.backup, sides, new Set([...surplus].filter(([, count]) => count > 0).map(([name]) => name)));
  const keys = new Set(missing.flatMap(({ key }) => (key === undefined ? [] : [key])));
  // Of very many rows only some are known by their hashes: those that were changed are then found by their keys.
  const extra = isComplete || keys.size === 0
    ? await rowsOf(sides.database, sides, new Set([...surplus].filter(([, count]) => count < 0).map(([name]) => name)))
    : await rowsWithKeys(keys, sides.database, sides);
  const isAll = isComplete && positionsOf(sides) !== undefined && missing.length < MOST_PAIRED && extra.length < MOST_PAIRED;
  const rows = paired(missing, extra);
  return { rows, changed: isAll ? rows.filter(({ kind }) => kind === 'changed').length : undefined };
}

/** Changed rows first. */
function paired(missing: readonly SidedRow[], extra: readonly SidedRow[]): DifferentRow[] {
  const changed: DifferentRow[] = [], others: DifferentRow[] = [];
  const unpaired = new Map<string, SidedRow>();
  for (const row of extra) {
    const { key } = row;
    if (key === undefined) others.push({ kind: 'extra', row });
    else unpaired.set(key, row);
  }
  for (const row of missing) {
    const { key } = row;
    const now = key === undefined ? undefined : unpaired.get(key);
    if (now === undefined) {
      others.push({ kind: 'missing', row });
      continue;
    }
    unpaired.delete(key!);
    changed.push({ kind: 'changed', row, now });
  }
  for (const row of unpaired.values()) others.push({ kind: 'extra', row });
  return [...changed, ...others];
}

/** Takes what it finds out of `keys`. */
async function rowsWithKeys(keys: Set<string>, side: RowSide, sides: SidesToCompare): Promise<SidedRow[]> {
  const rows: SidedRow[] = [];
  const positions = positionsOf(sides) ?? [];
  await readSide(side, sides, {
    wants: () => true,
    row: (read) => {
      const key = keyOf(read.bytes, sides.encoding, positions);
      if (key !== undefined && keys.delete(key)) rows.push(sidedRow(read, sides));
    },
  }, () => keys.size === 0);
  return rows;
}

async function rowsOf(side: RowSide, sides: SidesToCompare, names: Set<string>): Promise<SidedRow[]> {
  const rows: SidedRow[] = [];
  if (names.size === 0) return rows;
  const isEnough = (): boolean => names.size === 0 || rows.length >= MOST_PAIRED;
  await readSide(side, sides, {
    // Each once, also where there are several.
    wants: (h1, h2, h3, h4) => !isEnough() && names.delete(nameOf(h1, h2, h3, h4)),
    row: (read) => void rows.push(sidedRow(read, sides)),
  }, isEnough);
  return rows;
}

/** Of a row whose bytes will be another's: a copy. */
function sidedRow({ bytes, length }: ReadRow, sides: SidesToCompare): SidedRow {
  const kept = new Uint8Array(bytes), positions = positionsOf(sides);
  return {
    fields: fieldsOf(kept, sides.encoding, sides.columns.length, length > kept.length), length,
    key: positions === undefined ? undefined : keyOf(kept, sides.encoding, positions),
  };
}

/** Of the key's columns in a row, ascending. */
function positionsOf({ key, columns }: SidesToCompare): readonly number[] | undefined {
  const positions = key.map((column) => columns.indexOf(column)).toSorted((a, b) => a - b);
  return positions.length === 0 || positions[0] < 0 ? undefined : positions;
}

// oxlint-disable-next-line max-params -- a side, what both have in common, and what is wanted of it
async function readSide(side: RowSide, { encoding }: SidesToCompare, visitor: RowVisitor, isEnough?: () => boolean): Promise<void> {
  for await (const stream of side.streams()) {
    await readRows(stream, encoding, visitor, isEnough);
    if (isEnough?.() === true) return;
  }
}

/** A hash as a short text, for sets and maps. */
// oxlint-disable-next-line max-params -- the words of a hash
function nameOf(h1: number, h2: number, h3: number, h4: number): string {
  return String.fromCharCode(h1 >>> 16, h1 & 0xffff, h2 >>> 16, h2 & 0xffff, h3 >>> 16, h3 & 0xffff, h4 >>> 16, h4 & 0xffff);
}
