/**
 * Entries that fill materialized views, for archives of a schema alone: those have none. Each comes after those of the views that it reads, also through other views.
 */
import { displayName } from '../../rows/table-schema.ts';
import type { DumpEntry } from '../pg-dump/dump-archive.ts';

/** Beyond all dumpIds. */
const FIRST_ID = 2 ** 40;

/** @param unfilled views that are to stay as they are, as `displayName` says them */
export function refreshesOf(entries: readonly DumpEntry[], unfilled: ReadonlySet<string>): DumpEntry[] {
  const byId = new Map(entries.map((entry) => [entry.dumpId, entry]));
  const views = entries.filter(({ description, namespace, tag }) => description === 'MATERIALIZED VIEW' && !unfilled.has(displayName({ schema: namespace, name: tag })));
  return views.map((view) => ({
    ...view, dumpId: FIRST_ID + view.dumpId, description: 'MATERIALIZED VIEW DATA', section: 'post-data', owner: '', tablespace: null, accessMethod: null, relkind: null,
    dependencies: [view.dumpId, ...materializedBelow(view, byId).map((id) => FIRST_ID + id)],
  }));
}

function materializedBelow(view: DumpEntry, byId: ReadonlyMap<number, DumpEntry>): number[] {
  const seen = new Set<number>(), found: number[] = [], left = [...view.dependencies];
  for (let id = left.pop(); id !== undefined; id = left.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const entry = byId.get(id);
    if (entry === undefined || entry.section === 'post-data') continue;
    if (entry.description === 'MATERIALIZED VIEW') found.push(id);
    else left.push(...entry.dependencies);
  }
  return found;
}

export function isMadeUp({ dumpId }: DumpEntry): boolean {
  return dumpId >= FIRST_ID;
}
