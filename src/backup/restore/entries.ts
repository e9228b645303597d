/**
 * Which entry of a table of contents belongs to which step of a restore. The steps are pg_restore's own, with rows and large objects between the two first: what tables need (`before`), what is cheaper or only right when
 * the rows are there (`after`), privileges (`privileges`), and at last what runs under them or would fire on everything else (`last`): materialized views, event triggers.
 */
import type { DumpEntry } from '../pg-dump/dump-archive.ts';

export type Step = 'before' | 'after' | 'privileges' | 'last';

/** Settings of the archive, and what belongs to a database as a whole: that is created by whoever restores. */
const NOT_RESTORED: ReadonlySet<string> = new Set(['ENCODING', 'STDSTRINGS', 'SEARCHPATH', 'DATABASE', 'DATABASE PROPERTIES']);
const OF_DATABASE = /^DATABASE /;
/** What makes them, without content: one up to pg_dump 16, then a group. */
const LARGE_OBJECTS: ReadonlySet<string> = new Set(['BLOB', 'BLOB METADATA']);
const OF_LARGE_OBJECTS = /^LARGE OBJECTS? /;
const PRIVILEGES: ReadonlySet<string> = new Set(['ACL', 'ACL LANGUAGE', 'DEFAULT ACL']);
const LAST: ReadonlySet<string> = new Set(['EVENT TRIGGER', 'MATERIALIZED VIEW DATA', 'STATISTICS DATA']);
const REMARKS: ReadonlySet<string> = new Set(['COMMENT', 'SECURITY LABEL']);

export interface StepOptions {
  readonly noPrivileges: boolean;
  readonly noComments: boolean;
  /** No rows, and no large objects either. */
  readonly schemaOnly: boolean;
}

/** The entries of each step, in the archive's order. */
export function entriesByStep(entries: readonly DumpEntry[], options: StepOptions): ReadonlyMap<Step, readonly DumpEntry[]> {
  const steps = new Map<Step, DumpEntry[]>([['before', []], ['after', []], ['privileges', []], ['last', []]]);
  const stepOf = new Map<number, Step>();
  const forTables = neededForTables(entries);
  for (const entry of entries) {
    const chosen = chooseStep(entry, options, stepOf);
    const step = chosen === 'after' && forTables.has(entry.dumpId) ? 'before' : chosen === 'before' && !forTables.has(entry.dumpId) && comesAfter(entry, stepOf) ? 'after' : chosen;
    if (step === undefined) continue;
    stepOf.set(entry.dumpId, step);
    steps.get(step)!.push(entry);
  }
  return steps;
}

/**
 * What tables need, at whatever remove. That may be of the section behind the data: a column's default calls a function, which names a key of another table (ON CONFLICT ON CONSTRAINT). Rows need the table, so
 * that key is built before them.
 */
function neededForTables(entries: readonly DumpEntry[]): ReadonlySet<number> {
  const byId = new Map(entries.map((entry) => [entry.dumpId, entry]));
  const needed = new Set<number>();
  const left = entries.filter(({ description, section }) => description === 'TABLE' && section !== 'data');
  for (let entry = left.pop(); entry !== undefined; entry = left.pop()) {
    if (needed.has(entry.dumpId)) continue;
    needed.add(entry.dumpId);
    for (const id of entry.dependencies) {
      const below = byId.get(id);
      if (below !== undefined && below.section !== 'data') left.push(below);
    }
  }
  return needed;
}

/** Of the section before the data, and needs what comes behind them. The archive has it in its place: behind that. */
function comesAfter({ dependencies }: DumpEntry, stepOf: ReadonlyMap<number, Step>): boolean {
  return dependencies.some((id) => stepOf.get(id) === 'after');
}

function chooseStep({ description, section, tag, dependencies }: DumpEntry, options: StepOptions, stepOf: ReadonlyMap<number, Step>): Step | undefined {
  if (NOT_RESTORED.has(description)) return undefined;
  const isRemark = REMARKS.has(description), isPrivilege = PRIVILEGES.has(description);
  if ((isRemark && options.noComments) || (isPrivilege && options.noPrivileges)) return undefined;
  if ((isRemark || isPrivilege) && OF_DATABASE.test(tag)) return undefined;
  if (options.schemaOnly && (LARGE_OBJECTS.has(description) || ((isRemark || isPrivilege) && OF_LARGE_OBJECTS.test(tag)))) return undefined;
  if (isPrivilege) return 'privileges';
  if (LAST.has(description)) return 'last';
  // From 17 on the archive has them among the data.
  if (LARGE_OBJECTS.has(description)) return 'before';
  // SEQUENCE SET, TABLE DATA, BLOBS
  if (section === 'data') return undefined;
  if (isRemark) return lastOf(dependencies.map((id) => stepOf.get(id)));
  return section === 'post-data' ? 'after' : 'before';
}

/** A remark comes with what it is about. */
function lastOf(steps: readonly (Step | undefined)[]): Step {
  return steps.includes('last') ? 'last' : steps.includes('after') ? 'after' : 'before';
}
