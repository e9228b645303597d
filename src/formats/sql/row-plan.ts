import type { ColumnType } from '../../rows/column-type.ts';
import type { BoundField } from '../format.ts';
import type { LexicalRules } from './dialect.ts';

/** What has to be done to a value besides writing it as text. */
export const TREATMENT = { plain: 0, boolean: 1, integer: 2, bytes: 3, jsonTexts: 4, jsonNumbers: 5, jsonBooleans: 6, postgresArray: 7 } as const;

/**
 * Where the values of one data statement go: value i of a row to field `fieldOf[i]` (-1: left out). One plan per
 * (statement head, binding); rows of many statements share it.
 */
export interface RowPlan {
  /** Values that each row must have; -1 while nobody knows (the first row of a table without names). */
  readonly count: number;
  readonly fieldOf: Int32Array;
  /** The other way round: value of each field, -1 where the statement has none. */
  readonly valueOf: Int32Array;
  readonly fields: number;
  /** Every value goes to the field of its own position: rows are written as they are read. */
  readonly direct: boolean;
  /** TREATMENT per value. */
  readonly treatment: Uint8Array;
  /** The bytes of a COPY line in this order need no look inside. */
  readonly raw: boolean;
  /** Nobody has said yet what is wanted: every value is welcome. */
  readonly loose: boolean;
}

/** A plan that takes every value as it is, for looking at rows before anybody has said what is wanted of them. */
export function looseRowPlan(count: number, room: number): RowPlan {
  const positions = Int32Array.from({ length: room }, (_, i) => i);
  return { count, fieldOf: positions, valueOf: positions, fields: count, direct: true, treatment: new Uint8Array(room), raw: true, loose: true };
}

/** @param fieldOf per value of the statement, the position of its field or -1 */
export function rowPlan(fieldOf: readonly number[], fields: readonly BoundField[], rules: LexicalRules): RowPlan {
  const treatment = Uint8Array.from(fieldOf, (field) => (field < 0 ? TREATMENT.plain : treatmentOf(fields[field], rules)));
  const valueOf = new Int32Array(fields.length).fill(-1);
  fieldOf.forEach((field, value) => {
    if (field >= 0) valueOf[field] = value;
  });
  const direct = fieldOf.length === fields.length && fieldOf.every((field, value) => field === value);
  return {
    count: fieldOf.length,
    fieldOf: Int32Array.from(fieldOf),
    valueOf,
    fields: fields.length,
    direct,
    treatment,
    // COPY writes booleans and bytes as copy-text has them.
    raw: direct && rules.charset === 'utf-8' && treatment.every((one) => one <= TREATMENT.bytes),
    loose: false,
  };
}

function treatmentOf({ type, arrays }: BoundField, rules: LexicalRules): number {
  if (type.kind === 'boolean') return TREATMENT.boolean;
  if (type.kind === 'integer') return TREATMENT.integer;
  if (type.kind === 'bytes') return TREATMENT.bytes;
  if (type.kind !== 'array') return TREATMENT.plain;
  const postgres = rules.dialect === 'postgres' || rules.dialect === 'standard';
  if (arrays === 'postgres') return postgres ? TREATMENT.plain : TREATMENT.postgresArray;
  return postgres ? jsonTreatment(type.element) : TREATMENT.plain;
}

function jsonTreatment(element: ColumnType): number {
  switch (element.kind) {
    case 'array': return jsonTreatment(element.element);
    case 'integer': case 'numeric': case 'float': return TREATMENT.jsonNumbers;
    case 'boolean': return TREATMENT.jsonBooleans;
    default: return TREATMENT.jsonTexts;
  }
}
