/** An identifier of the engine's SQL, always quoted, so that case, blanks and keywords survive. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string literal of the engine's SQL. Backslashes have no meaning there; NUL cannot stand in a statement and is made by chr(0). */
export function quoteString(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return quoted.includes('\0') ? `(${quoted.replaceAll('\0', "' || chr(0) || '")})` : quoted;
}

/** A path for the engine's table functions, which take `*`, `?` and `[` for a pattern: each in brackets stands for itself. */
export function quotePath(path: string): string {
  return quoteString(path.replace(/[*?[]/g, '[$&]'));
}

/** `"schema"."table"`, or `"main"."table"`: a name without a schema never depends on the search path. */
export function quoteTable(table: { readonly schema?: string; readonly name: string }): string {
  return `${quoteIdentifier(table.schema ?? DEFAULT_SCHEMA)}.${quoteIdentifier(table.name)}`;
}

export const DEFAULT_SCHEMA = 'main';
