/**
 * pg_dump 17 and later put large objects of the same owner and rights together: a BLOB METADATA entry has their numbers, one a line, and the ACL entry that depends on it has the commands for one
 * of them, which stand for all.
 */

/** @param definition of a BLOB METADATA entry */
export function largeObjectsOfGroup(definition: string): string[] {
  return definition.split('\n').filter((line) => /^\d{1,10}$/.test(line));
}

/** In commands that pg_dump writes nothing but a role's name in double quotes can hide the two. */
const PLACE_OR_END = /"(?:[^"]|"")*"|\bLARGE OBJECT \d+|;\s*/g;

/** The commands for each of the large objects; undefined when they are not commands for one. */
export function privilegesOfGroup(commands: string, oids: readonly string[]): string | undefined {
  const all: string[] = [];
  let start = 0, place: RegExpExecArray | undefined;
  for (const found of commands.matchAll(PLACE_OR_END)) {
    if (found[0].startsWith('"')) continue;
    if (!found[0].startsWith(';')) {
      if (place !== undefined) return undefined;
      place = found;
      continue;
    }
    if (place === undefined) return undefined;
    const before = commands.slice(start, place.index), after = commands.slice(place.index + place[0].length, found.index);
    for (const oid of oids) all.push(`${before}LARGE OBJECT ${oid}${after};\n`);
    start = found.index + found[0].length;
    place = undefined;
  }
  return start === commands.length ? all.join('') : undefined;
}
