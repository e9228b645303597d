import type { NativeFile } from '../../rows/part.ts';
import type { BoundField, TableBinding } from '../format.ts';
import type { CsvInput } from './inspected-csv.ts';

/**
 * The call with which DuckDB reads the source by itself. Everything is said, nothing is detected, so that it reads the file as it was inspected. Fields have
 * neutral names (`c1`…): DuckDB compares names without case.
 * @param isGuarded whether the column's values are known, or compared while they pass, to be exact in its type
 */
export function nativeFile(input: CsvInput, binding: TableBinding, isGuarded: (column: string) => boolean): NativeFile {
  const { source, columns, details } = input;
  const path = source.path!;
  const byName = new Map(binding.fields.filter((field) => field.absent !== true).map((field) => [field.source, field]));
  const types = columns.map((column, i) => `${literal(`c${i + 1}`)}: ${literal(readType(byName.get(column.name), isGuarded(column.name)))}`);
  const options = [
    literal(path),
    'auto_detect = false',
    `header = ${details.header}`,
    `columns = {${types.join(', ')}}`,
    `delim = ${literal(details.delimiter === '' ? '\x1f' : details.delimiter)}`,
    `quote = ${literal(details.quote)}`,
    `escape = ${literal(details.quote)}`,
    `nullstr = ${literal(details.nullText)}`,
    'allow_quoted_nulls = false',
    'null_padding = false',
    'ignore_errors = false',
    // The content decides, as everywhere in Sluice; the engine would go by the ending.
    `compression = ${literal(source.compression)}`,
  ];
  return {
    path,
    relation: `read_csv(${options.join(', ')})`,
    expressions: binding.fields.map((field) => (field.absent === true ? 'NULL' : `c${columns.findIndex((column) => column.name === field.source) + 1}`)),
  };
}

/**
 * The type that the reader itself parses the field as. Its own conversions lose without a word, so only fields whose values are compared with their type
 * on the way (value-guard.ts) are typed here; all others come as text, and the target judges them.
 */
function readType(field: BoundField | undefined, guarded: boolean): string {
  if (field === undefined || !guarded) return 'VARCHAR';
  const { type } = field;
  switch (type.kind) {
    case 'boolean': return 'BOOLEAN';
    case 'integer': return { 16: 'SMALLINT', 32: 'INTEGER', 64: 'BIGINT' }[type.bits];
    case 'float': return type.bits === 64 ? 'DOUBLE' : 'VARCHAR';
    case 'date': return 'DATE';
    case 'timestamp': return type.zone ? 'TIMESTAMPTZ' : 'TIMESTAMP';
    case 'uuid': return 'UUID';
    default: return 'VARCHAR';
  }
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
