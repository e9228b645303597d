import { SluiceError } from '../errors/sluice-error.ts';

/**
 * The account of one table of a run, in rows (`bytes`: source bytes, decompressed). It balances when
 * `read = written + rejected + duplicate + skipped`: `read` is counted by the source, `written` by the target.
 */
export interface TableReceipt {
  readonly name: string;
  readonly read: number;
  readonly written: number;
  readonly rejected: number;
  readonly duplicate: number;
  readonly skipped: number;
  readonly bytes: number;
  /** Rows that were in the table before and were replaced; absent where nothing was to be. Not part of the balance. */
  readonly removed?: number;
}

/** What a backup came to besides its tables. Bytes of chunks, compressed; what was there already is not among them. */
export interface BackupReceipt {
  readonly backup: string;
  readonly repository: string;
  readonly largeObjects: number;
  readonly sequences: number;
  readonly newChunks: number;
  readonly newBytes: number;
  readonly notes: readonly string[];
}

/** What a verification found. */
export interface VerificationReceipt {
  readonly ok: boolean;
  readonly repository: string;
  /** Null: all of the repository. */
  readonly backup: string | null;
  /** The database that it was compared with; null: the chunks were read. */
  readonly against: string | null;
  /** As `sluice verify --json` has it. */
  readonly report: object;
}

export type Totals = Omit<TableReceipt, 'name'>;

/** @throws SluiceError RECEIPT_UNBALANCED naming the table and all counts */
export function assertBalanced(receipt: TableReceipt): void {
  const { name, read, written, rejected, duplicate, skipped } = receipt;
  if (read === written + rejected + duplicate + skipped) return;
  throw new SluiceError('RECEIPT_UNBALANCED', { table: name, read, written, rejected, duplicate, skipped }, { table: name });
}

/**
 * Every row that counts as rejected is in the quarantine, and no other: a row that is in neither place would be lost.
 * @param held rows of the quarantine, by table
 * @throws SluiceError RECEIPT_UNBALANCED
 */
export function assertHeld(receipts: readonly TableReceipt[], held: ReadonlyMap<string, number>): void {
  const unknown = [...held.keys()].filter((name) => receipts.every((receipt) => receipt.name !== name));
  for (const receipt of [...receipts, ...unknown.map((name): TableReceipt => ({ name, read: 0, written: 0, rejected: 0, duplicate: 0, skipped: 0, bytes: 0 }))]) {
    const { name, read, written, rejected, duplicate, skipped } = receipt;
    const found = held.get(name) ?? 0;
    if (rejected !== found) throw new SluiceError('RECEIPT_UNBALANCED', { table: name, read, written, rejected: `${rejected} (and ${found} in the quarantine)`, duplicate, skipped }, { table: name });
  }
}

export function totalsOf(tables: readonly TableReceipt[]): Totals {
  const totals = { read: 0, written: 0, rejected: 0, duplicate: 0, skipped: 0, bytes: 0 };
  for (const table of tables) {
    totals.read += table.read;
    totals.written += table.written;
    totals.rejected += table.rejected;
    totals.duplicate += table.duplicate;
    totals.skipped += table.skipped;
    totals.bytes += table.bytes;
  }
  const removed = tables.filter((table) => table.removed !== undefined);
  return removed.length === 0 ? totals : { ...totals, removed: removed.reduce((sum, table) => sum + table.removed!, 0) };
}
