/** The order of tables by their foreign keys: parents before children, tables that refer to each other side by side. */
import { parentsFirst } from '../rows/parents-first.ts';

export interface ForeignKeyOrder {
  /** Every table once. Among tables that are free to change places, as they came. */
  readonly tables: readonly string[];
  /** Tables that refer to each other, directly or through others; a table that refers to itself is none. */
  readonly cycles: readonly (readonly string[])[];
}

export function foreignKeyOrder(tables: readonly string[], references: readonly (readonly [child: string, parent: string])[]): ForeignKeyOrder {
  const parents = new Map<string, string[]>(tables.map((table) => [table, []]));
  for (const [child, parent] of references) parents.get(child)?.push(parent);
  const place = new Map(tables.map((table, i) => [table, i]));
  const groups = parentsFirst(parents).map((group) => group.toSorted((a, b) => place.get(a)! - place.get(b)!));
  return { tables: groups.flat(), cycles: groups.filter((group) => group.length > 1) };
}
