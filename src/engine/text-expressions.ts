/**
 * SQL that turns the engine's values into the text forms of rows/row-encoding.ts. The engine's own text differs in few places, and only there
 * an expression is wrapped around the column: floats that are not finite (`nan`), years before 1 (`0044-03-15 (BC)`), bytes, and everything nested.
 *
 * Nested values become JSON, built here and not by the engine's to_json, which rounds decimals to doubles' digits and writes NaN
 * without quotes. Numbers keep every digit; what JSON has no number for (NaN, infinity) becomes a string.
 */
import { quoteString } from './quoting.ts';
import type { EngineField, EngineType } from './engine-type.ts';

export type ArrayText = 'postgres' | 'json';

/** The value as SQL text (VARCHAR, or a type that the engine writes as the same text); NULL stays NULL. */
export function textOf(type: EngineType, value: string, arrays: ArrayText): string {
  switch (type.kind) {
    case 'decimal': return value;
    case 'list': return arrays === 'postgres' && hasPostgresArray(type.element) ? postgresArray(type.element, value) : jsonText(type, value);
    case 'scalar': return scalarText(type, value);
    default: return jsonText(type, value);
  }
}

/** True when the text can hold a byte that copy-text escapes (tab, line ends, backslash). */
export function mayNeedEscapes(type: EngineType): boolean {
  if (type.kind === 'decimal') return false;
  if (type.kind !== 'scalar') return true;
  return ['VARCHAR', 'JSON', 'BLOB', 'OTHER'].includes(type.name);
}

/** The text with copy-text's escapes. Backslashes first: the later ones would otherwise be doubled. */
export function escapedForCopyText(text: string): string {
  return [['\\', '\\\\'], ['\t', '\\t'], ['\n', '\\n'], ['\r', '\\r']]
    .reduce((inner, [from, to]) => `replace(${inner}, ${from === '\\' ? quoteString(from) : `chr(${from.charCodeAt(0)})`}, ${quoteString(to)})`, text);
}

function scalarText(type: Extract<EngineType, { kind: 'scalar' }>, value: string): string {
  const text = `CAST(${value} AS VARCHAR)`;
  switch (type.name) {
    case 'FLOAT': case 'DOUBLE':
      return `CASE WHEN isfinite(${value}) OR ${value} IS NULL THEN ${text} WHEN isnan(${value}) THEN 'NaN' WHEN ${value} > 0 THEN 'Infinity' ELSE '-Infinity' END`;
    case 'BLOB': return `('\\x' || lower(hex(${value})))`;
    case 'DATE': return `replace(${text}, ' (BC)', ' BC')`;
    case 'TIMESTAMP': case 'TIMESTAMPTZ':
      return `CASE WHEN ${value} >= '0001-01-01'::DATE THEN ${text} WHEN contains(${text}, ' (BC)') THEN replace(${text}, ' (BC)', '') || ' BC' ELSE ${text} END`;
    case 'INTERVAL': case 'OTHER': case 'TIMETZ': case 'JSON': return text;
    default: return value;
  }
}

/** JSON text of any value; NULL stays SQL's NULL at the top and is `null` inside. */
function jsonText(type: EngineType, value: string, depth = 0): string {
  switch (type.kind) {
    case 'decimal': return `CAST(${value} AS VARCHAR)`;
    case 'list': {
      const element = `e${depth}`;
      return `('[' || array_to_string(list_transform(${value}, lambda ${element}: ${jsonOrNull(type.element, element, depth + 1)}), ',') || ']')`;
    }
    case 'struct': return `CASE WHEN ${value} IS NULL THEN NULL ELSE ${structJson(type.fields, value, depth)} END`;
    case 'map': return mapJson(type, value, depth);
    case 'union': return unionJson(type.fields, value, depth);
    default: return scalarJson(type, value);
  }
}

function jsonOrNull(type: EngineType, value: string, depth: number): string {
  return `coalesce(${jsonText(type, value, depth)}, 'null')`;
}

function structJson(fields: readonly EngineField[], value: string, depth: number): string {
  // A structure without names is a tuple.
  if (fields.every((field) => field.name === '')) {
    const items = fields.map((field, i) => jsonOrNull(field.type, `struct_extract(${value}, ${i + 1})`, depth));
    return `('[' || ${items.join(" || ',' || ")} || ']')`;
  }
  const members = fields.map((field) => {
    const item = jsonOrNull(field.type, `struct_extract(${value}, ${quoteString(field.name)})`, depth);
    return `${quoteString(`${JSON.stringify(field.name)}:`)} || ${item}`;
  });
  return `('{' || ${members.join(" || ',' || ")} || '}')`;
}

/** An object when the keys are texts; else a list of [key, value] pairs, which loses nothing of the keys' types. */
function mapJson(type: Extract<EngineType, { kind: 'map' }>, value: string, depth: number): string {
  const entry = `e${depth}`;
  const item = jsonOrNull(type.value, `${entry}.value`, depth + 1);
  const byName = type.key.kind === 'scalar' && ['VARCHAR', 'INTEGER', 'BIGINT', 'SMALLINT', 'TINYINT', 'UUID', 'DATE'].includes(type.key.name);
  const key = byName ? `CAST(to_json(CAST(${entry}.key AS VARCHAR)) AS VARCHAR)` : jsonOrNull(type.key, `${entry}.key`, depth + 1);
  const pair = byName ? `${key} || ':' || ${item}` : `'[' || ${key} || ',' || ${item} || ']'`;
  const [open, close] = byName ? ['{', '}'] : ['[', ']'];
  return `('${open}' || array_to_string(list_transform(map_entries(${value}), lambda ${entry}: ${pair}), ',') || '${close}')`;
}

function unionJson(fields: readonly EngineField[], value: string, depth: number): string {
  const cases = fields.map((field) => `WHEN ${quoteString(field.name)} THEN ${quoteString(`{${JSON.stringify(field.name)}:`)} || ${jsonOrNull(field.type, `union_extract(${value}, ${quoteString(field.name)})`, depth)} || '}'`);
  return `CASE CAST(union_tag(${value}) AS VARCHAR) ${cases.join(' ')} END`;
}

function scalarJson(type: Extract<EngineType, { kind: 'scalar' }>, value: string): string {
  const text = scalarText(type, value);
  switch (type.name) {
    case 'BOOLEAN': case 'TINYINT': case 'UTINYINT': case 'SMALLINT': case 'USMALLINT': case 'INTEGER': case 'UINTEGER': case 'BIGINT': case 'UBIGINT':
    case 'HUGEINT': case 'UHUGEINT':
      return `CAST(${value} AS VARCHAR)`;
    case 'JSON': return `CAST(${value} AS VARCHAR)`;
    case 'FLOAT': case 'DOUBLE': return `CASE WHEN isfinite(${value}) THEN CAST(${value} AS VARCHAR) ELSE '"' || ${text} || '"' END`;
    default: return `CAST(to_json(CAST(${text} AS VARCHAR)) AS VARCHAR)`;
  }
}

/** PostgreSQL has array types for these and no way to tell lists of lists with uneven lengths apart from matrices. */
function hasPostgresArray(element: EngineType): boolean {
  return element.kind === 'decimal' || element.kind === 'scalar';
}

function postgresArray(element: EngineType, value: string): string {
  const text = `CAST(${textOf(element, 'e0', 'postgres')} AS VARCHAR)`;
  const bare = element.kind === 'decimal' || (element.kind === 'scalar' && !['VARCHAR', 'JSON', 'BLOB', 'OTHER', 'TIMESTAMP', 'TIMESTAMPTZ', 'INTERVAL', 'DATE'].includes(element.name));
  const item = bare ? text : `'"' || replace(replace(${text}, '\\', '\\\\'), '"', '\\"') || '"'`;
  return `('{' || array_to_string(list_transform(${value}, lambda e0: coalesce(${item}, 'NULL')), ',') || '}')`;
}
