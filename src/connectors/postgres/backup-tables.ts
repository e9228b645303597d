/** Tables of a backup as COPY streams of the snapshot: which columns, in which encoding, one statement for each page group. */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { BackupPart, PageGroups, TableStreams } from '../backup-source.ts';
import type { CatalogBackupTable } from './backup-catalog.ts';
import { uncompressedColumns } from './backup-compression.ts';
import { bytesPerPage, chooseGroups, endOfOneGroup, isOneGroup, samplePages, stillFits } from './backup-groups.ts';
import { columnsOf, type CatalogColumn } from './catalog.ts';
import { copyOut, type CopyOutCounts } from './copy-out.ts';
import type { ScanUnit } from './part-plan.ts';
import type { Snapshot } from './snapshot.ts';
import { quoteIdentifier } from './sql.ts';

/** Columns are asked for table by table in this many at once: a question for each would be most of the work of a small one. */
const TABLES_PER_QUESTION = 100;

export class TableStreamsReader {
  readonly #snapshot: Snapshot;
  readonly #tables: readonly CatalogBackupTable[];
  readonly #isSqlAscii: boolean;
  readonly #columns = new Map<string, CatalogColumn[]>();

  constructor(snapshot: Snapshot, tables: readonly CatalogBackupTable[], databaseEncoding: string) {
    this.#snapshot = snapshot;
    this.#tables = tables;
    this.#isSqlAscii = databaseEncoding === 'SQL_ASCII';
  }

  async open(table: CatalogBackupTable, before: PageGroups | undefined, signal: AbortSignal): Promise<TableStreams> {
    const columns = (await this.#columnsOf(table, signal)).filter((column) => column.filled !== 'generated');
    const shape = { columns, encoding: encodingOf(columns, this.#isSqlAscii), isSqlAscii: this.#isSqlAscii };
    const described = { columns: columns.map(({ name, nativeType }) => ({ name, type: nativeType })), encoding: shape.encoding, floats: floatColumns(shape), uncompressed: [] };
    if (!table.isHeap || table.condition !== undefined) {
      return { ...described, groups: undefined, expectedBytes: table.bytes, parts: [this.#part(table, shape, { pages: null, isLast: true }, wholeTable(table, columns))] };
    }
    // Sizes were read within the snapshot: where there is no page, there is no row that it sees.
    if (table.pages === 0) return { ...described, groups: undefined, expectedBytes: 0, parts: [] };
    if (isOneGroup(table)) {
      const pages = [0, endOfOneGroup(table.pages)] as const;
      return { ...described, groups: undefined, expectedBytes: table.bytes, parts: [this.#part(table, shape, { pages, isLast: true }, wholeTable(table, columns))] };
    }
    const perPage = await this.#sample(table, shape, signal);
    const groups = before !== undefined && stillFits(before, table) ? before : chooseGroups(table, perPage);
    const expectedBytes = Math.round((perPage > 0 ? perPage : bytesPerPage(table)) * table.pages);
    const uncompressed = await this.#snapshot.withCoordinator((session) => uncompressedColumns(session, table, signal));
    return { ...described, uncompressed, groups, expectedBytes, parts: this.#groups(table, shape, groups.pages) };
  }

  /** Those of this table and, asked for in the same question, of those behind it. */
  async #columnsOf(table: CatalogBackupTable, signal: AbortSignal): Promise<CatalogColumn[]> {
    if (!this.#columns.has(table.oid)) {
      this.#columns.clear();
      const at = this.#tables.indexOf(table);
      const oids = this.#tables.slice(at, at + TABLES_PER_QUESTION).map(({ oid }) => oid);
      const found = await this.#snapshot.withCoordinator((session) => columnsOf(session, oids, signal));
      for (const oid of oids) this.#columns.set(oid, found.get(oid) ?? []);
    }
    return this.#columns.get(table.oid)!;
  }

  *#groups(table: CatalogBackupTable, shape: StreamShape, pages: number): Generator<BackupPart, void, undefined> {
    for (let first = 0; first < table.pages; first += pages) {
      const isLast = first + pages >= table.pages;
      yield this.#part(table, shape, { pages: [first, first + pages], isLast }, pageRange(table, shape.columns, first, isLast ? undefined : first + pages));
    }
  }

  #part(table: CatalogBackupTable, shape: StreamShape, place: Pick<BackupPart, 'pages' | 'isLast'>, source: string): BackupPart {
    const counts: CopyOutCounts = { rows: 0, bytes: 0, arrived: 0 };
    return { ...place, read: (signal) => this.#read(table, shape, source, counts, signal), rows: () => counts.rows };
  }

  // oxlint-disable-next-line max-params -- each is another thing
  #read(table: CatalogBackupTable, shape: StreamShape, source: string, counts: CopyOutCounts, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const isBinary = shape.encoding === 'copy-binary';
    const format = isBinary ? 'FORMAT binary' : `FORMAT text, ENCODING '${shape.isSqlAscii ? 'SQL_ASCII' : 'UTF8'}'`;
    const options = { binary: isBinary, table: `${table.schema}.${table.name}`, signal };
    return this.#snapshot.read(unitOf(table), (session) => copyOut(session, `COPY ${source} TO STDOUT WITH (${format})`, options, counts), signal);
  }

  /** Bytes of stream for each page, on an average of some; 0 where none was looked at. */
  async #sample(table: CatalogBackupTable, shape: StreamShape, signal: AbortSignal): Promise<number> {
    let pages = 0, bytes = 0;
    for (const [first, end] of samplePages(table)) {
      const counts: CopyOutCounts = { rows: 0, bytes: 0, arrived: 0 };
      for await (const _ of this.#read(table, shape, pageRange(table, shape.columns, first, end), counts, signal));
      pages += end - first;
      bytes += counts.rows === 0 ? 0 : counts.bytes;
    }
    return pages === 0 ? 0 : bytes / pages;
  }
}

interface StreamShape {
  readonly columns: readonly CatalogColumn[];
  readonly encoding: TableStreams['encoding'];
  readonly isSqlAscii: boolean;
}

/** Text in a binary stream is in the session's encoding, and bytes that have none can only be asked for as a text stream. */
export function encodingOf(columns: readonly CatalogColumn[], isSqlAscii: boolean): TableStreams['encoding'] {
  return columns.length > 0 && !isSqlAscii && columns.every(({ portable }) => portable) ? 'copy-binary' : 'copy-text';
}

function floatColumns({ columns, encoding }: StreamShape): TableStreams['floats'] {
  if (encoding !== 'copy-binary') return { arrays: [], vectors: [] };
  return {
    arrays: columns.flatMap(({ type }, i) => (type.kind === 'array' && isFourByteNumber(type.element) ? [i] : [])),
    vectors: columns.flatMap(({ embedding }, i) => (embedding === 'vector' || embedding === 'halfvec' ? [i] : [])),
  };
}

function isFourByteNumber(type: { readonly kind: string; readonly bits?: number }): boolean {
  return (type.kind === 'float' || type.kind === 'integer') && type.bits === 32;
}

/** LOCK TABLE asks for the right to read the whole table, which a backup needs anyway. */
function unitOf({ sqlName, pages, bytes }: CatalogBackupTable): ScanUnit {
  return { sqlName, ranged: true, lockable: true, only: true, pages, bytes };
}

/** The plain form needs no executor. */
function wholeTable(table: CatalogBackupTable, columns: readonly CatalogColumn[]): string {
  if (table.condition !== undefined) return `(${selectFrom(table, columns)} ${table.condition}\n)`;
  return columns.length === 0 ? `(${selectFrom(table, columns)})` : `${table.sqlName} (${columnList(columns)})`;
}

/** Without an upper end for the last group: nothing that the snapshot sees may be missed. */
function pageRange(table: CatalogBackupTable, columns: readonly CatalogColumn[], first: number, end: number | undefined): string {
  const conditions = [`ctid >= '(${first},0)'::pg_catalog.tid`, ...(end === undefined ? [] : [`ctid < '(${end},0)'::pg_catalog.tid`])];
  return `(${selectFrom(table, columns)} WHERE ${conditions.join(' AND ')})`;
}

function selectFrom({ sqlName }: CatalogBackupTable, columns: readonly CatalogColumn[]): string {
  return `SELECT ${columnList(columns)} FROM ONLY ${sqlName}`;
}

function columnList(columns: readonly CatalogColumn[]): string {
  return columns.map(({ name }) => quoteIdentifier(name)).join(', ');
}

/** @throws SluiceError ROW_SECURITY before anything is read */
export function refuseRowSecurity(tables: readonly CatalogBackupTable[], user: string): void {
  const hidden = tables.find(({ hasRowSecurity }) => hasRowSecurity);
  if (hidden === undefined) return;
  const table = `${hidden.schema}.${hidden.name}`;
  throw new SluiceError('ROW_SECURITY', { table, user }, { table });
}
