/**
 * Tables in groups, those that others refer to before them; the members of a group refer to each other, directly or through others. These are the strongly connected components by Tarjan's
 * algorithm, which with edges from child to parent come out parents first.
 *
 * @param parents the tables that each table refers to; those that have no entry of their own are ignored
 */
export function parentsFirst(parents: ReadonlyMap<string, readonly string[]>): string[][] {
  const groups: string[][] = [];
  const number = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const waiting = new Set<string>();
  const visit = (table: string): void => {
    number.set(table, number.size);
    lowest.set(table, number.get(table)!);
    stack.push(table);
    waiting.add(table);
    for (const parent of parents.get(table)!) {
      if (!parents.has(parent)) continue;
      if (!number.has(parent)) visit(parent);
      if (waiting.has(parent)) lowest.set(table, Math.min(lowest.get(table)!, lowest.get(parent)!));
    }
    if (lowest.get(table) !== number.get(table)) return;
    const group = stack.splice(stack.indexOf(table));
    for (const member of group) waiting.delete(member);
    groups.push(group);
  };
  for (const table of parents.keys()) if (!number.has(table)) visit(table);
  return groups;
}
