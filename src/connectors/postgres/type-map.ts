/** PostgreSQL's types and ours, both ways. */
import { TEXT, type ColumnType } from '../../rows/column-type.ts';

/** What the catalog says of a type, domains already followed to their base. */
export interface TypeFacts {
  /** pg_type.typname: `int4`, `_text`. */
  readonly name: string;
  /** In pg_catalog: its name means what PostgreSQL means by it. */
  readonly builtin: boolean;
  readonly modifier: number;
  /** As SQL writes it, with modifiers: `character varying(30)`. For `other`. */
  readonly declared: string;
  readonly element?: { readonly name: string; readonly builtin: boolean };
  /** Whose member it is. */
  readonly extension?: string;
}

const SIMPLE: Readonly<Record<string, ColumnType>> = {
  bool: { kind: 'boolean' },
  int2: { kind: 'integer', bits: 16 },
  int4: { kind: 'integer', bits: 32 },
  int8: { kind: 'integer', bits: 64 },
  // Unsigned 32 bits: too large for our 32.
  oid: { kind: 'integer', bits: 64 },
  float4: { kind: 'float', bits: 32 },
  float8: { kind: 'float', bits: 64 },
  text: TEXT,
  varchar: TEXT,
  bpchar: TEXT,
  name: TEXT,
  char: TEXT,
  bytea: { kind: 'bytes' },
  date: { kind: 'date' },
  time: { kind: 'time', zone: false },
  timetz: { kind: 'time', zone: true },
  timestamp: { kind: 'timestamp', zone: false },
  timestamptz: { kind: 'timestamp', zone: true },
  interval: { kind: 'interval' },
  uuid: { kind: 'uuid' },
  json: { kind: 'json' },
  jsonb: { kind: 'json' },
};

export function columnType(facts: TypeFacts): ColumnType {
  if (facts.element !== undefined) {
    return { kind: 'array', element: scalarType(facts.element.name, facts.element.builtin, facts.modifier, facts.declared.replace(/\[\]$/, '')) };
  }
  return scalarType(facts.name, facts.builtin, facts.modifier, facts.declared);
}

function scalarType(name: string, builtin: boolean, modifier: number, declared: string): ColumnType {
  if (builtin && name === 'numeric') return numericType(modifier);
  if (builtin && Object.hasOwn(SIMPLE, name)) return SIMPLE[name];
  // An extension's type, in whatever schema it was put.
  if (!builtin && name === 'citext') return TEXT;
  return { kind: 'other', name: declared };
}

/** Precision in the upper half, scale (11 bits with sign since version 15) in the lower. */
function numericType(modifier: number): ColumnType {
  if (modifier < 4) return { kind: 'numeric' };
  const precision = ((modifier - 4) >> 16) & 0xffff;
  const scale = (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
  // numeric(3,-2) and numeric(2,4) are PostgreSQL's own; elsewhere only an unlimited one holds them.
  return scale < 0 || scale > precision ? { kind: 'numeric' } : { kind: 'numeric', precision, scale };
}

/** The type for a column of a new table. */
export function declaredType(type: ColumnType): string {
  switch (type.kind) {
    case 'boolean': return 'boolean';
    case 'integer': return { 16: 'smallint', 32: 'integer', 64: 'bigint' }[type.bits];
    case 'numeric': return numericDeclaration(type.precision, type.scale ?? 0);
    case 'float': return type.bits === 32 ? 'real' : 'double precision';
    case 'bytes': return 'bytea';
    case 'date': return 'date';
    case 'time': return type.zone ? 'time with time zone' : 'time without time zone';
    case 'timestamp': return type.zone ? 'timestamp with time zone' : 'timestamp without time zone';
    case 'interval': return 'interval';
    case 'uuid': return 'uuid';
    // Not jsonb: it would reorder keys, drop repeated ones and rewrite numbers (1.0, 1e5).
    case 'json': return 'json';
    case 'array': return `${declaredType(innermost(type))}[]`;
    case 'text':
    case 'other': return 'text';
    default: return type satisfies never;
  }
}

function numericDeclaration(precision: number | undefined, scale: number): string {
  return precision === undefined || precision > 1000 ? 'numeric' : `numeric(${precision},${scale})`;
}

/** Arrays of arrays are one type in PostgreSQL: the number of dimensions is a matter of the value. */
function innermost(type: ColumnType): ColumnType {
  return type.kind === 'array' ? innermost(type.element) : type;
}

/**
 * Types whose binary form means the same on every server of the versions that we support. Not: money (depends on lc_monetary), xml (carries
 * an encoding), reg* and composites (object ids of one database),
 * interval (what is infinity since version 17 is a finite one of 178 million years before, where its text is refused), other types of extensions (versions of the extension).
 */
const PORTABLE = new Set([
  'bool', 'int2', 'int4', 'int8', 'oid', 'numeric', 'float4', 'float8', 'text', 'varchar', 'bpchar', 'name', 'char', 'bytea', 'date', 'time', 'timetz',
  'timestamp', 'timestamptz', 'uuid', 'json', 'jsonb', 'inet', 'cidr', 'macaddr', 'macaddr8', 'bit', 'varbit', 'point', 'lseg', 'path',
  'box', 'polygon', 'line', 'circle', 'int4range', 'int8range', 'numrange', 'tsrange', 'tstzrange', 'daterange', 'pg_lsn',
]);

/** pgvector's types, whose binary form has been the same in every version that has them (and which every version checks when it takes a value). Elsewhere text is all there is. */
const EMBEDDINGS = ['vector', 'halfvec', 'sparsevec'] as const;
export type EmbeddingType = (typeof EMBEDDINGS)[number];

export function embeddingType({ name, extension, element }: TypeFacts): EmbeddingType | undefined {
  return extension === 'vector' && element === undefined ? EMBEDDINGS.find((type) => type === name) : undefined;
}

/** Arrays embed the element type's object id, which is fixed for built-in types. */
export function isPortableInBinary(facts: TypeFacts): boolean {
  const { name, builtin } = facts.element ?? facts;
  return (builtin && PORTABLE.has(name)) || embeddingType(facts) !== undefined;
}
