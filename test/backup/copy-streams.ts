import fc from 'fast-check';

export type Field = Buffer | null;

/** COPY … WITH (FORMAT binary) of these rows. */
export function binaryStream(rows: readonly (readonly Field[])[]): Buffer {
  const pieces: Buffer[] = [Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')];
  for (const row of rows) {
    pieces.push(int16(row.length));
    for (const field of row) pieces.push(int32(field === null ? -1 : field.length), ...(field === null ? [] : [field]));
  }
  return Buffer.concat([...pieces, int16(-1)]);
}

/** The binary form of a real[] of one dimension. */
export function realArray(values: readonly (number | null)[]): Field {
  const pieces: Buffer[] = [int32(1), int32(values.includes(null) ? 1 : 0), int32(700), int32(values.length), int32(1)];
  for (const value of values) pieces.push(...(value === null ? [int32(-1)] : [int32(4), float(value)]));
  return Buffer.concat(pieces);
}

/** The binary form of pgvector's vector. */
export function vector(values: readonly number[]): Field {
  return Buffer.concat([int16(values.length), int16(0), ...values.map(float)]);
}

export function copyRows(): fc.Arbitrary<Field[][]> {
  const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
  return fc.array(fc.array(fc.option(bytes), { minLength: 1, maxLength: 5 }), { maxLength: 12 });
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function float(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeFloatBE(value);
  return buffer;
}
