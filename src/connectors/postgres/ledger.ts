/**
 * The ledger of a run, in the database that it loads: what the run has made, and which parts are there. A part's entry is committed by the transaction
 * that wrote the part, so after any failure the entries and the rows say the same.
 *
 * Two tables of one shape. `sluice_RUN_ledger` is logged. Parts that wait in unlogged staging tables have their entries in `sluice_RUN_staged`, unlogged too:
 * a crash of the server empties both, and the parts are loaded again.
 *
 * Whether a commit whose answer was lost has happened is asked by inserting the entry once more: that waits for a transaction that is still ending.
 */
import type { CommittedParts, PublishedTable } from '../connector.ts';
import type { QueryOptions, Session } from './driver.ts';
import { PartSet } from './part-set.ts';
import { qualifiedName, quoteLiteral } from './sql.ts';

/** Something that a run has made and has to remove when it is given up. */
export interface MadeObject {
  readonly kind: 'schema' | 'table' | 'staging' | 'gaps';
  /** Quoted, as in SQL. */
  readonly name: string;
  /** The table of the load (display name) that it is for. */
  readonly table: string;
  /** Of a staging table's numbering. */
  readonly sequence?: string;
  /** Its own number among all that the run has made, or tried to. */
  readonly number: number;
}

/** What is known of a part when it is committed. */
export interface PartEntry {
  readonly table: string;
  readonly part: number;
  readonly isStaged: boolean;
  readonly read: number;
  readonly written: number;
  readonly rejected: number;
  readonly skipped: number;
  readonly bytes: number;
  readonly hash?: number;
}

const SHAPE = '(kind text NOT NULL, target text NOT NULL, part bigint NOT NULL, facts jsonb NOT NULL, PRIMARY KEY (kind, target, part))';
/** Entries that are read at once. */
const BATCH = 20_000;

export class Ledger {
  readonly #logged: string;
  readonly #staged: string;

  private constructor(schema: string, run: string) {
    this.#logged = qualifiedName({ schema, name: `sluice_${run}_ledger` });
    this.#staged = qualifiedName({ schema, name: `sluice_${run}_staged` });
  }

  /** For a run that begins; `createSql` makes it. */
  static at(schema: string, run: string): Ledger {
    return new Ledger(schema, run);
  }

  createSql(): string {
    return `CREATE TABLE ${this.#logged} ${SHAPE}; CREATE UNLOGGED TABLE ${this.#staged} ${SHAPE}`;
  }

  /** The ledger of a run that goes on; undefined when it had none yet. */
  static async find(session: Session, run: string, options: QueryOptions): Promise<Ledger | undefined> {
    const { rows } = await session.query(
      "SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = $1 AND c.relkind = 'r'",
      { ...options, values: [`sluice_${run}_ledger`] },
    );
    const schema = rows[0]?.[0];
    return schema == null ? undefined : new Ledger(schema, run);
  }

  /** Drops what runs have left that died between the record of their end and tidying up. Not being able to is no reason to fail. */
  static async dropDone(session: Session, isDone: (run: string) => boolean, options: QueryOptions): Promise<void> {
    const { rows } = await session.query(
      "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relname LIKE 'sluice\\_%\\_ledger' AND c.relkind = 'r'", options,
    );
    for (const [schema, name] of rows) {
      const run = name!.slice('sluice_'.length, -'_ledger'.length);
      if (isDone(run)) await session.query(new Ledger(schema!, run).dropSql(), options).catch(() => undefined);
    }
  }

  /** To be run in the transaction that makes the object. */
  madeSql(object: MadeObject): string {
    return insertSql(this.#logged, object.kind, object.table, object.number, object);
  }

  /** To be run in the transaction that writes the part. */
  partSql(entry: PartEntry): string {
    const { table, part, isStaged, ...counts } = entry;
    return insertSql(this.#tableOf(isStaged), 'part', table, part, counts);
  }

  /** As `partSql`, for parts that go straight into a table that others see: their undo needs the transaction. */
  partWithTransactionSql(entry: PartEntry): string {
    const { table, part, isStaged, ...counts } = entry;
    return `INSERT INTO ${this.#tableOf(isStaged)} VALUES ('part', ${quoteLiteral(table)}, ${part}, ${quoteLiteral(JSON.stringify(counts))}::pg_catalog.jsonb || pg_catalog.jsonb_build_object('transaction', pg_catalog.pg_current_xact_id()::pg_catalog.text))`;
  }

  publishedSql(tables: ReadonlyMap<string, PublishedTable>): string {
    return insertSql(this.#logged, 'published', '', 0, Object.fromEntries(tables));
  }

  async made(session: Session, options: QueryOptions): Promise<MadeObject[]> {
    const { rows } = await session.query(`SELECT facts FROM ${this.#logged} WHERE kind IN ('schema', 'table', 'staging', 'gaps') ORDER BY part`, options);
    return rows.map(([facts]) => JSON.parse(facts!) as MadeObject);
  }

  async published(session: Session, options: QueryOptions): Promise<ReadonlyMap<string, PublishedTable> | undefined> {
    const { rows } = await session.query(`SELECT facts FROM ${this.#logged} WHERE kind = 'published'`, options);
    const facts = rows[0]?.[0];
    return facts == null ? undefined : new Map(Object.entries(JSON.parse(facts) as Record<string, PublishedTable>));
  }

  /** The parts of a table that are there. Memory: a bit for each, and four bytes for one with a hash. */
  async committed(session: Session, table: string, isStaged: boolean, options: QueryOptions): Promise<CommittedParts> {
    const from = `${this.#tableOf(isStaged)} WHERE kind = 'part' AND target = ${quoteLiteral(table)}`;
    const names = ['read', 'written', 'rejected', 'skipped', 'bytes'] as const;
    const sums = await session.query(`SELECT ${names.map((name) => `coalesce(pg_catalog.sum((facts ->> '${name}')::bigint), 0)`).join(', ')} FROM ${from}`, options);
    const [read, written, rejected, skipped, bytes] = sums.rows[0].map(Number);
    const parts = new PartSet();
    for (let last = -1; ;) {
      const { rows } = await session.query(`SELECT part, facts ->> 'hash' FROM ${from} AND part > ${last} ORDER BY part LIMIT ${BATCH}`, options);
      for (const [part, hash] of rows) parts.add(Number(part), hash === null ? undefined : Number(hash));
      if (rows.length < BATCH) break;
      last = Number(rows.at(-1)![0]);
    }
    return { read, written, rejected, skipped, bytes, parts: parts.count, has: (part) => parts.has(part), hash: (part) => parts.hash(part) };
  }

  /** The transactions of parts that went straight into a table. */
  async transactions(session: Session, table: string, options: QueryOptions): Promise<number[]> {
    const { rows } = await session.query(`SELECT facts ->> 'transaction' FROM ${this.#logged} WHERE kind = 'part' AND target = ${quoteLiteral(table)} AND facts ? 'transaction'`, options);
    return rows.map(([transaction]) => Number(transaction));
  }

  /** Parts of staging tables that are there: fewer than were committed after a crash of the server. */
  async countStaged(session: Session, table: string, options: QueryOptions): Promise<number> {
    const { rows } = await session.query(`SELECT pg_catalog.count(*) FROM ${this.#staged} WHERE kind = 'part' AND target = ${quoteLiteral(table)}`, options);
    return Number(rows[0][0]);
  }

  /** Whether the transaction of an entry has committed, by another session than the one that lost the answer. */
  async hasCommitted(session: Session, entry: PartEntry): Promise<boolean> {
    await session.query('BEGIN');
    try {
      const { count } = await session.query(`${this.partSql(entry)} ON CONFLICT DO NOTHING`, { table: entry.table });
      return count === 0;
    } finally {
      await session.query('ROLLBACK');
    }
  }

  dropStagedSql(): string {
    return `DROP TABLE IF EXISTS ${this.#staged}`;
  }

  dropSql(): string {
    return `DROP TABLE IF EXISTS ${this.#staged}, ${this.#logged}`;
  }

  #tableOf(isStaged: boolean): string {
    return isStaged ? this.#staged : this.#logged;
  }
}

function insertSql(table: string, kind: string, target: string, part: number, facts: object): string {
  return `INSERT INTO ${table} VALUES (${quoteLiteral(kind)}, ${quoteLiteral(target)}, ${part}, ${quoteLiteral(JSON.stringify(facts))})`;
}
