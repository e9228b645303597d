/** Brings the objects of a schema into the target, step by step (entries.ts). */
import type { Definition, RelationSize, RestoreTarget } from '../../connectors/restore-target.ts';
import { throwIfCancelled } from '../../io/cancellation.ts';
import type { DumpArchive, DumpEntry } from '../pg-dump/dump-archive.ts';
import { displayName } from '../../rows/table-schema.ts';
import { isMadeUp } from './refreshes.ts';
import { runSchedule, type Task } from './schedule.ts';

/** Definitions that lock a table against every other. Indexes are built side by side. */
const LOCKS_TABLE: ReadonlySet<string> = new Set(['CONSTRAINT', 'CHECK CONSTRAINT', 'FK CONSTRAINT', 'RULE', 'TRIGGER', 'POLICY', 'ROW SECURITY', 'INDEX ATTACH', 'TABLE ATTACH', 'STATISTICS', 'DEFAULT']);
/** A table's weight counts for them: they read it. Others take no time. */
const READS_TABLE: ReadonlySet<string> = new Set(['CONSTRAINT', 'INDEX', 'FK CONSTRAINT', 'MATERIALIZED VIEW DATA']);
const TABLE_LIKE: ReadonlySet<string> = new Set(['TABLE', 'MATERIALIZED VIEW', 'FOREIGN TABLE', 'VIEW']);

/** They judge or change rows that are written to a table, or act on them. */
const IN_THE_WAY: ReadonlySet<string> = new Set(['FK CONSTRAINT', 'CHECK CONSTRAINT', 'TRIGGER', 'RULE', 'POLICY', 'ROW SECURITY']);

/** `CREATE TYPE public.name;`, without a body. */
const ONLY_A_SHELL = /^CREATE TYPE (?:"(?:[^"]|"")*"|[^\s"(;])+;\s*$/;

/** Ids of the tasks that check foreign keys; those of entries are positive. */
const checkOf = (dumpId: number): number => -dumpId;

export class SchemaRestore {
  readonly #archive: DumpArchive;
  readonly #target: RestoreTarget;
  readonly #signal: AbortSignal;
  readonly #byId: ReadonlyMap<number, DumpEntry>;

  constructor(archive: DumpArchive, target: RestoreTarget, signal: AbortSignal) {
    this.#archive = archive;
    this.#target = target;
    this.#signal = signal;
    this.#byId = new Map(archive.entries.map((entry) => [entry.dumpId, entry]));
  }

  async definition(entry: DumpEntry): Promise<Definition> {
    const { definition: sql, dropStatement: dropSql } = isMadeUp(entry) ? { definition: '', dropStatement: '' } : await this.#archive.statements(entry);
    const { description, tag, namespace, owner, tablespace, accessMethod, relkind } = entry;
    return { id: entry.dumpId, description, tag, namespace, owner, tablespace, accessMethod, relkind, sql, dropSql };
  }

  /** What says which objects they are: definitions without their SQL, which would be all of it at once; but for types that are only a shell, which nothing else says. */
  async identities(entries: readonly DumpEntry[]): Promise<Definition[]> {
    const definitions: Definition[] = [];
    for (const entry of entries) {
      const definition = await this.definition(entry);
      definitions.push(ONLY_A_SHELL.test(definition.sql) ? definition : { ...definition, sql: '' });
    }
    return definitions;
  }

  /** Definitions in the opposite order: what is to be dropped. */
  async *reversed(entries: readonly DumpEntry[]): AsyncGenerator<Definition, void, undefined> {
    for (const entry of entries.toReversed()) if (this.#target.isDefined(entry.dumpId)) yield this.definition(entry);
  }

  /** What must not be there when rows come once more into these tables, and what goes with it, in the opposite order. Event triggers would fire when it is made again. */
  async *inTheWay(entries: readonly DumpEntry[], tables: ReadonlySet<string>): AsyncGenerator<Definition, void, undefined> {
    const gone = new Set(entries.filter((entry) => IN_THE_WAY.has(entry.description) && this.#tablesOf(entry).some((table) => tables.has(keyOf(table)))).map(({ dumpId }) => dumpId));
    if (gone.size === 0) return;
    for (const { dumpId, description } of entries) if (description === 'EVENT TRIGGER') gone.add(dumpId);
    // An object's comments come behind it.
    for (const { dumpId, dependencies } of entries) if (dependencies.some((id) => gone.has(id))) gone.add(dumpId);
    yield* this.reversed(entries.filter(({ dumpId }) => gone.has(dumpId)));
  }

  /** One after the other, as the archive has them. */
  async inOrder(entries: readonly DumpEntry[]): Promise<void> {
    for (const entry of entries) {
      throwIfCancelled(this.#signal);
      if (!this.#target.isDefined(entry.dumpId)) await this.#target.define(await this.definition(entry));
    }
  }

  /** As many at once as there are jobs. */
  async inParallel(entries: readonly DumpEntry[], relations: readonly RelationSize[]): Promise<void> {
    const sizes = new Map(relations.map((relation) => [displayName(relation), relation.bytes]));
    const partitioned = new Set(relations.filter(({ kind }) => kind === 'p').map(displayName));
    const tasks: Task[] = [];
    for (const entry of entries) {
      const tables = this.#tablesOf(entry);
      const names = tables.map(keyOf);
      const weight = READS_TABLE.has(entry.description) ? Math.max(0, ...names.map((name) => sizes.get(name) ?? 0)) : 0;
      const locks = LOCKS_TABLE.has(entry.description);
      const unchecked = entry.description === 'FK CONSTRAINT' && !names.some((name) => partitioned.has(name)) ? await this.#uncheckedKey(entry) : undefined;
      if (!this.#target.isDefined(entry.dumpId)) {
        tasks.push({
          id: entry.dumpId, after: entry.dependencies, exclusive: locks ? names : [], shared: locks ? [] : names, weight: unchecked === undefined ? weight : 0,
          run: async (ready) => this.#define(entry, ready, unchecked !== undefined),
        });
      }
      // Also of a key that an earlier session has added: whether it has checked it is not in the ledger, and a checked key is not checked again.
      if (unchecked !== undefined) {
        tasks.push({
          id: checkOf(entry.dumpId), after: [entry.dumpId], exclusive: [`check of ${keyOf(unchecked.table)}`], shared: names, weight,
          run: async () => this.#target.validate({ schema: unchecked.table.namespace, name: unchecked.table.tag }, unchecked.constraint, await this.definition(entry)),
        });
      }
    }
    await runSchedule(tasks, this.#target.jobs);
  }

  async #define(entry: DumpEntry, ready: number, notValid: boolean): Promise<void> {
    throwIfCancelled(this.#signal);
    // Where fewer indexes are left than jobs, one index is built by several processes.
    const spare = Math.max(0, Math.floor(this.#target.jobs / ready) - 1);
    const parallelWorkers = entry.description === 'INDEX' || entry.description === 'CONSTRAINT' ? { parallelWorkers: Math.min(spare, 4) } : {};
    await this.#target.define(await this.definition(entry), { ...parallelWorkers, notValid });
  }

  /** A foreign key that is added first and checked then: its table, and its name. Not one from or to a partitioned table: servers refuse, or forget that the keys of the partitions are checked. */
  async #uncheckedKey(entry: DumpEntry): Promise<{ table: DumpEntry; constraint: string } | undefined> {
    // The tag is the table's name, a blank, and the constraint's.
    const table = this.#tablesOf(entry).find(({ namespace, tag }) => namespace === entry.namespace && entry.tag.startsWith(`${tag} `));
    if (table === undefined || !this.#target.canAddUnchecked(await this.definition(entry))) return undefined;
    return { table, constraint: entry.tag.slice(table.tag.length + 1) };
  }

  #tablesOf({ dependencies }: DumpEntry): DumpEntry[] {
    return dependencies.map((id) => this.#byId.get(id)).filter((entry) => entry !== undefined && TABLE_LIKE.has(entry.description)) as DumpEntry[];
  }
}

export function keyOf({ namespace, tag }: Pick<DumpEntry, 'namespace' | 'tag'>): string {
  return displayName({ schema: namespace, name: tag });
}
