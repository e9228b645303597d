/**
 * What a run has made in the database, or tried to: all of it goes when the run is given up. Each object is noted before it is made, because after a lost answer
 * nobody knows whether it was, and entered in the ledger by the transaction that makes it.
 */
import type { QueryOptions, Session } from './driver.ts';
import type { Ledger, MadeObject } from './ledger.ts';

export class MadeObjects {
  readonly #all: MadeObject[] = [];
  readonly #ledger: () => Ledger | undefined;
  readonly #signal: AbortSignal;

  constructor(ledger: () => Ledger | undefined, signal: AbortSignal) {
    this.#ledger = ledger;
    this.#signal = signal;
  }

  get count(): number {
    return this.#all.length;
  }

  ofKind(kind: MadeObject['kind']): readonly MadeObject[] {
    return this.#all.filter((object) => object.kind === kind);
  }

  /** Made, or about to be made, by somebody else: an earlier session of the run, or the transaction that opens the ledger. */
  note(...objects: readonly MadeObject[]): void {
    this.#all.push(...objects);
  }

  /** It turned out to have been there before. */
  forget(object: MadeObject): void {
    this.#all.splice(this.#all.indexOf(object), 1);
  }

  /** Never that of something else, not even of something of which nobody knows whether it was made. */
  nextNumber(): number {
    return Math.max(0, ...this.#all.map(({ number }) => number)) + 1;
  }

  async make(session: Session, object: MadeObject, statements: readonly string[]): Promise<void> {
    this.#all.push(object);
    const entry = this.#ledger()?.madeSql(object);
    await inTransaction(session, { signal: this.#signal, table: object.table }, entry === undefined ? statements : [...statements, entry]);
  }

  /** Within a transaction that undoes the run. Schemas go afterwards, where nobody has put anything else into them. */
  async dropTables(session: Session): Promise<void> {
    for (const { kind, name } of this.#all) if (kind !== 'schema') await session.query(`DROP TABLE IF EXISTS ${name}`);
  }

  async dropSchemas(session: Session): Promise<void> {
    for (const { name } of this.ofKind('schema')) await session.query(`DROP SCHEMA IF EXISTS ${name}`).catch(() => undefined);
  }
}

export async function inTransaction(session: Session, options: QueryOptions, statements: readonly string[]): Promise<void> {
  await session.query('BEGIN', options);
  try {
    for (const statement of statements) await session.query(statement, options);
    // Not cancelled on its way: whether it happened would not be known.
    await session.query('COMMIT', options.table === undefined ? {} : { table: options.table });
  } catch (error) {
    if (session.usable) await session.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
