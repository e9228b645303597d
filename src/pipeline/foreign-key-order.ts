/** The order of tables by their foreign keys: parents before children, tables that refer to each other side by side. */

export interface ForeignKeyOrder {
  /** Every table once. Among tables that are free to change places, as they came. */
  readonly tables: readonly string[];
  /** Tables that refer to each other, directly or through others; a table that refers to itself is none. */
  readonly cycles: readonly (readonly string[])[];
}

/** Strongly connected components by Tarjan: with edges from child to parent they come out parents first. */
export function foreignKeyOrder(tables: readonly string[], references: readonly (readonly [child: string, parent: string])[]): ForeignKeyOrder {
  const parents = new Map<string, string[]>(tables.map((table) => [table, []]));
  for (const [child, parent] of references) if (parents.has(parent) && child !== parent) parents.get(child)?.push(parent);
  const number = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const waiting = new Set<string>();
  const components: string[][] = [];
  const visit = (table: string): void => {
    number.set(table, number.size);
    lowest.set(table, number.get(table)!);
    stack.push(table);
    waiting.add(table);
    for (const parent of parents.get(table)!) {
      if (!number.has(parent)) visit(parent);
      if (waiting.has(parent)) lowest.set(table, Math.min(lowest.get(table)!, lowest.get(parent)!));
    }
    if (lowest.get(table) !== number.get(table)) return;
    const component = stack.splice(stack.indexOf(table));
    for (const member of component) waiting.delete(member);
    components.push(component.toSorted((a, b) => tables.indexOf(a) - tables.indexOf(b)));
  };
  for (const table of tables) if (!number.has(table)) visit(table);
  return { tables: components.flat(), cycles: components.filter((component) => component.length > 1) };
}
