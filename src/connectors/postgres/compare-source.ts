/**
 * Tables of a database in one snapshot, read in the columns and the encoding of a backup. Values for people are made of binary ones by the server itself, which gets them as parameters.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ComparedTable, CompareOptions, CompareSource, ExpectedTable } from '../compare-source.ts';
import { readLargeObjects } from './backup-large-objects.ts';
import { displayName } from '../../rows/table-schema.ts';
import { columnsOf, type CatalogColumn } from './catalog.ts';
import { hasBinaryForm } from './copy-encoding.ts';
import { copyOut } from './copy-out.ts';
import type { Row, Session } from './driver.ts';
import type { ScanUnit } from './part-plan.ts';
import { Serial } from './serial.ts';
import { Snapshot } from './snapshot.ts';
import { qualifiedName, quoteIdentifier } from './sql.ts';

export interface CompareSourceParts {
  readonly open: () => Promise<Session>;
  readonly jobs: number;
  readonly signal: AbortSignal;
}

interface FoundTable {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly isHeap: boolean;
  readonly mayRead: boolean;
  readonly pages: number;
  readonly movesWithin: string | undefined;
  /** `WHERE …` of an extension's configuration table: the other rows come with the extension. */
  readonly condition: string | undefined;
  /** Columns of the primary key. */
  readonly key: readonly string[];
}

/** A table in a partition by hash may have its rows elsewhere after a restore: where they belong may depend on numbers that the server gave (enums). */
const TABLES = `
  SELECT c.oid, n.nspname, c.relname, c.relkind, a.amname IS NOT DISTINCT FROM 'heap', pg_catalog.has_table_privilege(c.oid, 'SELECT'),
    CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int ELSE 0 END,
    CASE WHEN c.relispartition AND EXISTS (SELECT FROM pg_catalog.pg_partition_ancestors(c.oid) AS tree(relid) JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = tree.relid WHERE p.partstrat = 'h')
      THEN (SELECT pg_catalog.quote_ident(rn.nspname) || '.' || pg_catalog.quote_ident(r.relname) FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace WHERE r.oid = pg_catalog.pg_partition_root(c.oid)) END,
    EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'),
    (SELECT entry.condition FROM pg_catalog.pg_extension e CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(e.extconfig), pg_catalog.unnest(e.extcondition)) AS entry(oid, condition) WHERE entry.oid = c.oid LIMIT 1),
    (SELECT pg_catalog.json_agg(attribute.attname ORDER BY k.n) FROM pg_catalog.pg_index i CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
      JOIN pg_catalog.pg_attribute attribute ON attribute.attrelid = i.indrelid AND attribute.attnum = k.attnum WHERE i.indrelid = c.oid AND i.indisprimary AND k.n <= i.indnkeyatts)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

const SEQUENCES = `SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND CASE WHEN c.relkind = 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT') END
  ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;
const SEQUENCES_PER_STATEMENT = 100;
const TABLES_PER_QUESTION = 100;

/** @throws SluiceError those of connecting; TABLE_UNKNOWN, PERMISSION_DENIED, POOLER_DETECTED */
export async function openCompareSource(control: Session, wanted: readonly { readonly schema: string; readonly name: string }[], options: CompareOptions, parts: CompareSourceParts): Promise<CompareSource> {
  const { rows } = await control.query(TABLES, { signal: parts.signal });
  const names = new Set(wanted.map(keyOf));
  const isExtensions = new Set(rows.filter((row) => row[8] === 't').map((row) => row[0]));
  const all = rows.map(foundTable);
  const found = all.filter((table) => names.has(keyOf(table)));
  const locked = found.filter(({ kind, mayRead }) => (kind === 'r' || kind === 'p') && mayRead).map((table) => `ONLY ${qualifiedName(table)}`);
  const others = all.filter((table) => table.kind === 'r' && !isExtensions.has(table.oid) && !names.has(keyOf(table))).map(displayName);
  const snapshot = await Snapshot.take(parts.open, parts.jobs, locked, parts.signal);
  // Types are then written with their schemas, as they are in a backup.
  await snapshot.coordinator.query(`SELECT pg_catalog.set_config('search_path', '', true)`);
  return new PostgresCompareSource(control, snapshot, found, others, options);
}

function keyOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${schema}\0${name}`;
}

function foundTable([oid, schema, name, kind, isHeap, mayRead, pages, movesWithin, , condition, key]: Row): FoundTable {
  const isConditional = condition !== null && condition.trim() !== '';
  return {
    oid: oid!, schema: schema!, name: name!, kind: kind!, isHeap: isHeap === 't', mayRead: mayRead === 't', pages: Number(pages), movesWithin: movesWithin ?? undefined,
    condition: isConditional ? condition : undefined, key: key === null ? [] : JSON.parse(key) as string[],
  };
}

class PostgresCompareSource implements CompareSource {
  readonly name: string;
  readonly serverVersion: string;
  readonly otherTables: readonly string[];
  /** Outside of the snapshot: for values that may be refused. */
  readonly #control: Session;
  readonly #serial = new Serial();
  readonly #snapshot: Snapshot;
  /** In the order of the backup. */
  readonly #found: readonly FoundTable[];
  readonly #positions: ReadonlyMap<string, number>;
  readonly #columns = new Map<string, CatalogColumn[]>();
  readonly #options: CompareOptions;

  // oxlint-disable-next-line max-params -- made in one place
  constructor(control: Session, snapshot: Snapshot, found: readonly FoundTable[], others: readonly string[], options: CompareOptions) {
    this.name = control.target.name;
    this.serverVersion = control.versionText;
    this.otherTables = others;
    this.#control = control;
    this.#snapshot = snapshot;
    this.#found = found;
    this.#positions = new Map(found.map((table, position) => [keyOf(table), position]));
    this.#options = options;
  }

  async table(expected: ExpectedTable, signal: AbortSignal): Promise<ComparedTable | undefined> {
    const position = this.#positions.get(keyOf(expected));
    if (position === undefined) return undefined;
    const found = this.#found[position];
    const columns = await this.#columnsAt(position, signal);
    const { differences, isReadable } = compareColumns(expected, columns);
    return {
      differences,
      isReadable,
      pages: (found.kind === 'r' || found.kind === 'm') && found.isHeap && found.mayRead ? found.pages : undefined,
      key: found.key,
      movesWithin: found.movesWithin,
      read: (pages, readSignal) => this.#read(found, expected, pages, readSignal),
      textOf: (column, value) => this.#textOf(columns, column, value),
    };
  }

  /** Of this table and, asked for in the same question, of those behind it. */
  async #columnsAt(position: number, signal: AbortSignal): Promise<CatalogColumn[]> {
    const { oid } = this.#found[position];
    return this.#snapshot.withCoordinator(async (session) => {
      if (!this.#columns.has(oid)) {
        const oids = this.#found.slice(position, position + TABLES_PER_QUESTION).map((table) => table.oid);
        const read = await columnsOf(session, oids, signal);
        for (const one of oids) this.#columns.set(one, read.get(one) ?? []);
      }
      const columns = this.#columns.get(oid)!;
      this.#columns.delete(oid);
      return columns;
    });
  }

  largeObjects(signal: AbortSignal): ReturnType<CompareSource['largeObjects']> {
    return readLargeObjects(this.#snapshot, signal);
  }

  async *sequences(signal: AbortSignal): ReturnType<CompareSource['sequences']> {
    const { rows: names } = await this.#snapshot.withCoordinator((session) => session.query(SEQUENCES, { signal }));
    for (let at = 0; at < names.length; at += SEQUENCES_PER_STATEMENT) {
      const some = names.slice(at, at + SEQUENCES_PER_STATEMENT);
      const sql = some.map(([schema, name], i) => `SELECT ${i}, last_value, is_called FROM ${qualifiedName({ schema: schema!, name: name! })}`).join(' UNION ALL ');
      const { rows } = await this.#snapshot.withCoordinator((session) => session.query(`${sql} ORDER BY 1`, { signal }));
      for (const [i, lastValue, isCalled] of rows) yield { schema: some[Number(i)][0]!, name: some[Number(i)][1]!, lastValue: lastValue!, isCalled: isCalled === 't' };
    }
  }

  async close(): Promise<void> {
    await this.#snapshot.close();
  }

  // oxlint-disable-next-line max-params -- called in one place
  #read(found: FoundTable, { columns, encoding }: ExpectedTable, pages: readonly [number, number | undefined] | null, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const isBinary = encoding === 'copy-binary';
    const only = found.kind === 'r' ? 'ONLY ' : '';
    const format = isBinary ? 'FORMAT binary' : `FORMAT text, ENCODING '${this.#options.rawText ? 'SQL_ASCII' : 'UTF8'}'`;
    const sql = `COPY (SELECT ${columns.map(({ name }) => quoteIdentifier(name)).join(', ')} FROM ${only}${qualifiedName(found)}${whereOf(pages, found.condition)}) TO STDOUT WITH (${format})`;
    const unit: ScanUnit = { sqlName: qualifiedName(found), ranged: pages !== null, lockable: found.kind === 'r' && found.mayRead, only: found.kind === 'r', pages: found.pages, bytes: 0 };
    const copyOptions = { binary: isBinary, table: `${found.schema}.${found.name}`, signal };
    return this.#snapshot.read(unit, (session) => copyOut(session, sql, copyOptions, { rows: 0, bytes: 0, arrived: 0 }), signal);
  }

  async #textOf(columns: readonly CatalogColumn[], column: string, value: Uint8Array): Promise<string> {
    const type = columns.find(({ name }) => name === column)?.nativeType;
    if (type === undefined) throw new SluiceError('INTERNAL', { reason: `no type of ${column}` });
    const { rows } = await this.#serial.run(() => this.#control.query(`SELECT $1::${type}::pg_catalog.text`, { values: [Buffer.from(value)] }));
    return rows[0][0] ?? '';
  }
}

/** @param condition `WHERE …`, possibly with an end of its own */
function whereOf(pages: readonly [number, number | undefined] | null, condition: string | undefined): string {
  const conditions = [
    ...(condition === undefined ? [] : [`(${condition.replace(/^\s*where\b/i, '')}\n)`]),
    ...(pages === null ? [] : [`ctid >= '(${pages[0]},0)'::pg_catalog.tid`]),
    ...(pages?.[1] === undefined ? [] : [`ctid < '(${pages[1]},0)'::pg_catalog.tid`]),
  ];
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

function compareColumns(expected: ExpectedTable, columns: readonly CatalogColumn[]): { differences: string[]; isReadable: boolean } {
  const differences: string[] = [];
  const isBinary = expected.encoding === 'copy-binary';
  let isReadable = true;
  for (const { name, type } of expected.columns) {
    const column = columns.find((candidate) => candidate.name === name);
    if (column === undefined) differences.push(`column ${name} is missing`);
    else if (column.nativeType !== type) differences.push(`column ${name} is ${column.nativeType}, and ${type} in the backup`);
    // Text can be compared whatever the types are called; the same value has other bytes in another type's binary form.
    if (column === undefined || (isBinary && !hasBinaryForm({ ...column, nativeType: baseOf(column.nativeType) }, baseOf(type)))) isReadable = false;
  }
  const names = new Set(expected.columns.map(({ name }) => name));
  for (const { name, filled } of columns) {
    if (!names.has(name) && filled !== 'generated') differences.push(`column ${name} is not in the backup`);
  }
  return { differences, isReadable };
}

/** Without modifiers: `numeric(10,2)` and `numeric` have the same form. */
function baseOf(type: string): string {
  return type.replace(/\(.*?\)/g, '');
}
