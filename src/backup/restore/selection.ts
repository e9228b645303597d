/**
 * What of a schema comes with chosen tables: what is made of them (indexes, constraints, triggers, defaults, remarks, privileges), and what these need (schemas, types, functions, sequences, tables that they inherit
 * from), as far as the target has it not. A foreign key comes when the table at its other end does, too, or is there already.
 */
import { tablePattern } from '../../connectors/table-choice.ts';
import type { TableName } from '../../rows/table-schema.ts';
import type { DumpEntry } from '../pg-dump/dump-archive.ts';

export interface TableChoice {
  readonly tables: readonly string[] | undefined;
  readonly exclude: readonly string[] | undefined;
}

export interface Selection {
  readonly entries: readonly DumpEntry[];
  /** Named by the choice, and not only needed by what is. */
  readonly named: ReadonlySet<number>;
  /** Entries that are only needed: not to be made where they are there. */
  readonly needed: readonly DumpEntry[];
  /** Foreign keys to tables that are not among the chosen. */
  readonly keysOutside: readonly { readonly key: DumpEntry; readonly parent: DumpEntry }[];
}

const RELATIONS: ReadonlySet<string> = new Set(['TABLE', 'VIEW', 'MATERIALIZED VIEW', 'FOREIGN TABLE', 'SEQUENCE']);
const TABLES: ReadonlySet<string> = new Set(['TABLE', 'VIEW', 'MATERIALIZED VIEW', 'FOREIGN TABLE']);

/** They belong to the relations that they depend on. A SEQUENCE that depends on a table is that of an identity column. */
const PARTS_OF_TABLES: ReadonlySet<string> = new Set([
  'INDEX', 'CONSTRAINT', 'CHECK CONSTRAINT', 'FK CONSTRAINT', 'TRIGGER', 'RULE', 'POLICY', 'ROW SECURITY', 'DEFAULT', 'SEQUENCE OWNED BY', 'COMMENT', 'ACL', 'SECURITY LABEL', 'STATISTICS', 'INDEX ATTACH', 'TABLE ATTACH',
  'MATERIALIZED VIEW DATA', 'STATISTICS DATA', 'SEQUENCE', 'PUBLICATION TABLE',
]);

const OWN_RULES: ReadonlySet<string> = new Set(['POLICY', 'RULE', 'TRIGGER', 'DEFAULT', 'CHECK CONSTRAINT', 'CONSTRAINT']);

export function isChosen({ tables, exclude }: TableChoice, { schema = '', name }: TableName): boolean {
  const named = { schema, name };
  return (tables === undefined || tables.some((pattern) => tablePattern(pattern)(named))) && exclude?.some((pattern) => tablePattern(pattern)(named)) !== true;
}

export function selectEntries(entries: readonly DumpEntry[], choice: TableChoice): Selection {
  if (choice.tables === undefined && choice.exclude === undefined) return { entries, named: new Set(), needed: [], keysOutside: [] };
  return new Selector(entries, choice).run();
}

class Selector {
  readonly #entries: readonly DumpEntry[];
  readonly #choice: TableChoice;
  readonly #byId: ReadonlyMap<number, DumpEntry>;
  readonly #chosen = new Set<number>();
  readonly #named = new Set<number>();
  readonly #keysOutside = new Map<DumpEntry, DumpEntry>();

  constructor(entries: readonly DumpEntry[], choice: TableChoice) {
    this.#entries = entries;
    this.#choice = choice;
    this.#byId = new Map(entries.map((entry) => [entry.dumpId, entry]));
  }

  run(): Selection {
    for (const entry of this.#entries) if (this.#isNamed(entry)) this.#name(entry);
    // Parts of parts (a comment on an index) stand behind what they are of, except where pg_dump had to break a circle.
    for (let before = -1; before !== this.#chosen.size;) {
      before = this.#chosen.size;
      for (const entry of this.#entries) if (!this.#chosen.has(entry.dumpId) && this.#isPart(entry)) this.#name(entry);
    }
    const entries = this.#entries.filter(({ dumpId }) => this.#chosen.has(dumpId));
    return { entries, named: this.#named, needed: entries.filter(({ dumpId }) => !this.#named.has(dumpId)), keysOutside: [...this.#keysOutside].map(([key, parent]) => ({ key, parent })).filter(({ key }) => !this.#chosen.has(key.dumpId)) };
  }

  #isNamed(entry: DumpEntry): boolean {
    const { description, namespace, tag } = entry;
    if (TABLES.has(description)) return isChosen(this.#choice, { schema: namespace, name: tag });
    // Without names everything is meant, but for the tables that are left out and what is theirs.
    if (this.#choice.tables === undefined) return !PARTS_OF_TABLES.has(description) || !this.#tablesOf(entry).some((table) => !this.#isNamed(table));
    return description === 'SEQUENCE' && isChosen(this.#choice, { schema: namespace, name: tag });
  }

  #name(entry: DumpEntry): void {
    this.#named.add(entry.dumpId);
    this.#need(entry);
  }

  /** With everything that it depends on. */
  #need(entry: DumpEntry): void {
    const left = [entry];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      if (this.#chosen.has(next.dumpId)) continue;
      this.#chosen.add(next.dumpId);
      for (const id of next.dependencies) {
        const below = this.#byId.get(id);
        if (below !== undefined && below.section !== 'data') left.push(below);
      }
    }
  }

  #isPart(entry: DumpEntry): boolean {
    if (!PARTS_OF_TABLES.has(entry.description)) return false;
    const of = entry.dependencies.map((id) => this.#byId.get(id)).filter((below) => below !== undefined);
    // What is only needed comes without what is made of it.
    if (!of.some(({ dumpId }) => this.#named.has(dumpId))) return false;
    // A table that is only needed gets no rows here: no key refers to it unless it was there before.
    const tables = this.#tablesOf(entry), there = entry.description === 'FK CONSTRAINT' ? this.#named : this.#chosen, outside = tables.filter(({ dumpId }) => !there.has(dumpId));
    if (outside.length === 0) return true;
    // The tag of a key begins with the name of its table.
    const isOwn = tables.some(({ dumpId, namespace, tag }) => this.#named.has(dumpId) && namespace === entry.namespace && entry.tag.startsWith(`${tag} `));
    if (entry.description === 'FK CONSTRAINT' && isOwn) this.#keysOutside.set(entry, outside[0]);
    // A policy or rule that reads other tables is the table's all the same: without it rows would be seen or changed by others than before.
    return isOwn && OWN_RULES.has(entry.description);
  }

  #tablesOf({ dependencies }: DumpEntry): DumpEntry[] {
    return dependencies.map((id) => this.#byId.get(id)).filter((entry) => entry !== undefined && TABLES.has(entry.description)) as DumpEntry[];
  }
}

export function isRelation({ description }: DumpEntry): boolean {
  return RELATIONS.has(description);
}
