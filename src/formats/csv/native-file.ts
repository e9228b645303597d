import type { NativeFile } from '../../rows/part.ts';
import type { BoundField, TableBinding } from '../format.ts';
import type { CsvInput } from './inspected-csv.ts';

/**
 * The call with which DuckDB reads the source by itself. Everything is said, nothing is detected, so that it reads the file as it was inspected. Fields have
 * neutral names (`c1`…): DuckDB compares names without case. Typed fields are parsed by the reader itself, which is its fastest way.
 */
export function nativeFile(input: CsvInput, binding: TableBinding): NativeFile {
  const { source, columns, details } = input;
  const path = source.path!;
  const byName = new Map(binding.fields.filter((field) => field.absent !== true).map((field) => [field.source, field]));
  const types = columns.map((column, i) => `${literal(`c${i + 1}`)}: ${literal(readType(byName.get(column.name)))}`);
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
  ];
  return {
    path,
    relation: `read_csv(${options.join(', ')})`,
    expressions: binding.fields.map((field) => (field.absent === true ? 'NULL' : expression(field, columns.findIndex((column) => column.name === field.source)))),
  };
}

/** The type that the reader itself parses the field as; VARCHAR where the target converts on insertion. */
function readType(field: BoundField | undefined): string {
  if (field === undefined) return 'VARCHAR';
  const { type } = field;
  switch (type.kind) {
    case 'boolean': return 'BOOLEAN';
    case 'integer': return { 16: 'SMALLINT', 32: 'INTEGER', 64: 'BIGINT' }[type.bits];
    case 'numeric': return type.precision === undefined || type.precision > 38 ? 'VARCHAR' : `DECIMAL(${type.precision},${type.scale ?? 0})`;
    case 'float': return type.bits === 32 ? 'FLOAT' : 'DOUBLE';
    case 'date': return 'DATE';
    case 'time': return type.zone ? 'VARCHAR' : 'TIME';
    case 'timestamp': return type.zone ? 'TIMESTAMPTZ' : 'TIMESTAMP';
    case 'uuid': return 'UUID';
    default: return 'VARCHAR';
  }
}

function expression({ type }: BoundField, index: number): string {
  const name = `c${index + 1}`;
  // Text form of bytes in encodings: \x and hexadecimal digits.
  return type.kind === 'bytes' ? `CASE WHEN starts_with(${name}, '\\x') THEN unhex(substr(${name}, 3)) ELSE CAST(${name} AS BLOB) END` : name;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
