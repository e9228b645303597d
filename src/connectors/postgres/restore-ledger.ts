/**
 * The ledger of a restore, in the database that it fills: a schema `sluice_RUN` with what is done of definitions, parts and large objects. An entry is committed by the transaction that did the work. Parts of unlogged
 * tables have theirs in an unlogged table, which a crash of the server empties together with their rows.
 *
 * Commits of a restore are asynchronous: after a crash of the server entries and work are gone alike, since a transaction that is lost takes all later ones with it. `finish` makes everything durable.
 */
import type { RestoredParts } from '../restore-target.ts';
import { PartSet } from './part-set.ts';
import { DEFAULT_RIGHTS } from './restore-default-rights.ts';
import type { QueryOptions, Session } from './driver.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral } from './sql.ts';

/** `uncompressed`: a column (`target`) of a table (`id`), restore-compression.ts. */
export type LedgerKind = 'definition' | 'part' | 'object' | 'step' | 'uncompressed';

const SHAPE = '(kind text NOT NULL, target text NOT NULL, id bigint NOT NULL, read bigint NOT NULL DEFAULT 0, written bigint NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0, PRIMARY KEY (kind, target, id))';
const BATCH = 20_000;

export interface LedgerCounts {
  readonly read: number;
  readonly written: number;
  readonly bytes: number;
}

export class RestoreLedger {
  /** Of the ledger, and of nothing else. */
  readonly schema: string;
  /** What `--clean` has set aside (restore-aside.ts). */
  readonly moved: string;
  /** Large objects that `--clean` has replaced (restore-aside-objects.ts). */
  readonly objects: string;
  readonly #done: string;
  readonly #unlogged: string;

  constructor(run: string) {
    this.schema = `sluice_${run}`;
    this.moved = qualifiedName({ schema: this.schema, name: 'moved' });
    this.objects = qualifiedName({ schema: this.schema, name: 'objects' });
    this.#done = qualifiedName({ schema: this.schema, name: 'done' });
    this.#unlogged = qualifiedName({ schema: this.schema, name: 'done_unlogged' });
  }

  async create(session: Session, options: QueryOptions): Promise<void> {
    await this.quietly(session, options, async () => session.query(`CREATE SCHEMA ${quoteIdentifier(this.schema)}; CREATE TABLE ${this.#done} ${SHAPE}; CREATE UNLOGGED TABLE ${this.#unlogged} ${SHAPE};
      CREATE TABLE ${this.moved} (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, class oid NOT NULL, object oid NOT NULL, word text NOT NULL, was_in text, was_named text, now_named text, was_enabled text);
      CREATE TABLE ${this.objects} (object oid PRIMARY KEY, copy oid NOT NULL, owner text NOT NULL, acl text, comment text); INSERT INTO ${this.#done} (kind, target, id) ${DEFAULT_RIGHTS}; ${this.#standingSql}`, options));
  }

  /** An entry that a crash of the server takes with the rows of unlogged tables. */
  get #standingSql(): string {
    return `INSERT INTO ${this.#unlogged} VALUES ('step', 'standing', 0) ON CONFLICT (kind, target, id) DO NOTHING`;
  }

  /** Whether a crash of the server has emptied the unlogged tables since `create`, or since `setStanding`. */
  async wasEmptied(session: Session, options: QueryOptions): Promise<boolean> {
    return (await session.query(`SELECT NOT EXISTS (SELECT FROM ${this.#unlogged} WHERE kind = 'step' AND target = 'standing')`, options)).rows[0][0] === 't';
  }

  async setStanding(session: Session, options: QueryOptions): Promise<void> {
    await session.query(this.#standingSql, options);
  }

  async exists(session: Session, options: QueryOptions): Promise<boolean> {
    const { rows } = await session.query(`SELECT pg_catalog.to_regclass(${quoteLiteral(this.#done)}) IS NOT NULL`, options);
    return rows[0][0] === 't';
  }

  /** Of runs that died between the record of their end and tidying up. Not being able to is no reason to fail. */
  static async dropDone(session: Session, isDone: (run: string) => boolean, options: QueryOptions): Promise<void> {
    for (const run of await RestoreLedger.runs(session, options)) if (isDone(run)) await new RestoreLedger(run).drop(session, options).catch(() => undefined);
  }

  /** Those that have a ledger here. */
  static async runs(session: Session, options: QueryOptions): Promise<string[]> {
    const { rows } = await session.query(`
      SELECT pg_catalog.substr(n.nspname, 8) FROM pg_catalog.pg_namespace n WHERE n.nspname ~ '^sluice_[0-9a-hjkmnp-tv-z]{14}$'
        AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'done_unlogged') ORDER BY 1`, options);
    return rows.map(([run]) => run!);
  }

  /** To be run in the transaction that does the work. */
  entrySql(kind: LedgerKind, id: number, target = '', counts?: LedgerCounts, isUnlogged = false): string {
    const { read, written, bytes } = counts ?? { read: 0, written: 0, bytes: 0 };
    return `INSERT INTO ${isUnlogged ? this.#unlogged : this.#done} VALUES (${quoteLiteral(kind)}, ${quoteLiteral(target)}, ${id}, ${read}, ${written}, ${bytes});`;
  }

  removeSql(kind: LedgerKind, id: number, target = ''): string {
    return `DELETE FROM ${this.#done} WHERE kind = ${quoteLiteral(kind)} AND target = ${quoteLiteral(target)} AND id = ${id};`;
  }

  /** The table of all of them. */
  get entries(): string {
    return this.#done;
  }

  /** A commit that waits for the disk is one for all commits before it. */
  durableSql(): string {
    return `BEGIN; SET LOCAL synchronous_commit = on; INSERT INTO ${this.#done} VALUES ('step', 'durable', 0) ON CONFLICT (kind, target, id) DO UPDATE SET written = done.written + 1; COMMIT`;
  }

  /** The ids of one kind. */
  async done(session: Session, kind: LedgerKind, options: QueryOptions): Promise<Set<number>> {
    const found = new Set<number>();
    for await (const [id] of this.#pages(session, `${this.#done} WHERE kind = ${quoteLiteral(kind)} AND target = ''`, 'id', options)) found.add(Number(id));
    return found;
  }

  /** Ids of definitions that are in the target, were there before, and cannot go. */
  async kept(session: Session, options: QueryOptions): Promise<Set<number>> {
    const { rows } = await session.query(`SELECT id FROM ${this.#done} WHERE kind = 'step' AND target = 'kept'`, options);
    return new Set(rows.map(([id]) => Number(id)));
  }

  async committed(session: Session, target: string, isUnlogged: boolean, options: QueryOptions): Promise<RestoredParts> {
    const parts = new PartSet();
    let read = 0, written = 0, bytes = 0;
    const from = `${isUnlogged ? this.#unlogged : this.#done} WHERE kind = 'part' AND target = ${quoteLiteral(target)}`;
    for await (const [id, ...counts] of this.#pages(session, from, 'id, read, written, bytes', options)) {
      parts.add(Number(id), undefined);
      read += Number(counts[0]);
      written += Number(counts[1]);
      bytes += Number(counts[2]);
    }
    return { read, written, bytes, has: (part) => parts.has(part) };
  }

  async drop(session: Session, options: QueryOptions): Promise<void> {
    await this.quietly(session, options, async () => session.query(`DROP TABLE IF EXISTS ${this.#done}, ${this.#unlogged}, ${this.moved}, ${this.objects}; DROP SCHEMA IF EXISTS ${quoteIdentifier(this.schema)}`, options));
  }

  /** A transaction without event triggers, those of the backup among them: what comes and goes here is nobody's business. Who may create such triggers may also do without them. */
  async quietly(session: Session, options: QueryOptions, work: () => Promise<unknown>): Promise<void> {
    const { rows } = await session.query(`SELECT evtname, pg_catalog.current_setting('is_superuser'), oid, evtenabled FROM pg_catalog.pg_event_trigger WHERE evtenabled IN ('A', 'R')`, options);
    const heard = rows[0]?.[1] === 'on' ? rows : [];
    try {
      await session.query(`BEGIN; SELECT pg_catalog.set_config('session_replication_role', 'replica', true) WHERE pg_catalog.current_setting('is_superuser') = 'on'; ${heard.map(([name]) => `ALTER EVENT TRIGGER ${quoteIdentifier(name!)} DISABLE; `).join('')}`, options);
      await work();
      // Some are gone, or set aside for good.
      const still = heard.length === 0 ? [] : (await session.query(`SELECT evtname, oid FROM pg_catalog.pg_event_trigger WHERE evtenabled = 'D' AND oid IN (${heard.map(([, , oid]) => oid).join(', ')}) AND NOT pg_catalog.starts_with(evtname, ${quoteLiteral(`${this.schema}_`)})`, options)).rows;
      const kinds = new Map(heard.map(([, , oid, kind]) => [oid, kind === 'A' ? 'ALWAYS' : 'REPLICA']));
      await session.query(`${still.map(([name, oid]) => `ALTER EVENT TRIGGER ${quoteIdentifier(name!)} ENABLE ${kinds.get(oid)}; `).join('')}COMMIT`, options);
    } catch (error) {
      if (session.usable) await session.query('ROLLBACK');
      throw error;
    }
  }

  async isAside(session: Session, options: QueryOptions): Promise<boolean> {
    return this.#hasStep('aside', session, options);
  }

  /** What was set aside is about to be dropped. */
  async setReplaced(session: Session, options: QueryOptions): Promise<void> {
    await session.query(`INSERT INTO ${this.#done} (kind, target, id) VALUES ('step', 'replaced', 0) ON CONFLICT (kind, target, id) DO NOTHING`, options);
  }

  async isReplaced(session: Session, options: QueryOptions): Promise<boolean> {
    return this.#hasStep('replaced', session, options);
  }

  async #hasStep(step: string, session: Session, options: QueryOptions): Promise<boolean> {
    return (await session.query(`SELECT EXISTS (SELECT FROM ${this.#done} WHERE kind = 'step' AND target = ${quoteLiteral(step)})`, options)).rows[0][0] === 't';
  }

  async *#pages(session: Session, from: string, columns: string, options: QueryOptions): AsyncGenerator<readonly (string | null)[], void, undefined> {
    for (let last = '-1'; ;) {
      const { rows } = await session.query(`SELECT ${columns} FROM ${from} AND id > ${last} ORDER BY id LIMIT ${BATCH}`, options);
      yield* rows;
      if (rows.length < BATCH) return;
      last = rows.at(-1)![0]!;
    }
  }
}
