/** Which tables names and globs mean: `orders` in any schema, `sales.orders`, `sales.*`, `*.log_20??`. As they are written in the database, case and all. */

export interface NamedTable {
  readonly schema: string;
  readonly name: string;
}

export type TablePattern = (table: NamedTable) => boolean;

/** With a dot the pattern is of schema and name, else of the name alone; a name that has dots itself is also found by it. */
export function tablePattern(pattern: string): TablePattern {
  const glob = globOf(pattern);
  const isQualified = pattern.includes('.');
  return ({ schema, name }) => name === pattern || glob.test(isQualified ? `${schema}.${name}` : name);
}

/** `*` any characters, `?` one, `[abc]` and `[a-z]` one of these. */
function globOf(pattern: string): RegExp {
  const source = pattern.replace(/\[!?[^\]]+\]|[\s\S]/g, (piece) => {
    if (piece === '*') return '.*';
    if (piece === '?') return '.';
    if (piece.length > 1) return `[${piece[1] === '!' ? '^' : ''}${piece.slice(piece[1] === '!' ? 2 : 1, -1).replace(/[\\\]^]/g, '\\$&')}]`;
    return piece.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 'su');
}
