/**
 * The types that a column can have on its way between connectors and formats. They say what the *text form* of a
 * value means (see row-encoding.ts); no value ever becomes a JavaScript number, Date or object on the way.
 */
export type ColumnType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly bits: 16 | 32 | 64 }
  /** Exact decimal; without precision: any. */
  | { readonly kind: 'numeric'; readonly precision?: number; readonly scale?: number }
  | { readonly kind: 'float'; readonly bits: 32 | 64 }
  | { readonly kind: 'text' }
  /** Text form: `\x` and lower-case hex. */
  | { readonly kind: 'bytes' }
  | { readonly kind: 'date' }
  | { readonly kind: 'time'; readonly zone: boolean }
  /** Text form: `2024-01-31 13:45:00.123456`, with `+00` when `zone`. */
  | { readonly kind: 'timestamp'; readonly zone: boolean }
  | { readonly kind: 'interval' }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'json' }
  /** Text form: JSON array, except between two ends of the same connector, where it is that connector's own. */
  | { readonly kind: 'array'; readonly element: ColumnType }
  /** A type only its own connector knows (enum, range, geometry …): carried as that connector's text. */
  | { readonly kind: 'other'; readonly name: string };

export const TEXT: ColumnType = { kind: 'text' };

/** Short standard name for people and plans: `bigint`, `numeric(10,2)`, `timestamp with time zone`, `text[]`. */
export function typeName(type: ColumnType): string {
  switch (type.kind) {
    case 'integer': return { 16: 'smallint', 32: 'integer', 64: 'bigint' }[type.bits];
    case 'numeric': return type.precision === undefined ? 'numeric' : `numeric(${type.precision},${type.scale ?? 0})`;
    case 'float': return type.bits === 32 ? 'real' : 'double precision';
    case 'time': return type.zone ? 'time with time zone' : 'time';
    case 'timestamp': return type.zone ? 'timestamp with time zone' : 'timestamp';
    case 'array': return `${typeName(type.element)}[]`;
    case 'other': return type.name;
    default: return type.kind;
  }
}
