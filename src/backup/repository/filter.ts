/**
 * Filters change a chunk's content into bytes that zstd makes smaller, and back. A chunk's name is the hash of its content before the filter, so that the same content is the
 * same chunk with and without one. docs/backup-format.md has the bytes of each.
 */
import { decodeFloatPlanes, encodeFloatPlanes, type FloatColumns } from './float-planes.ts';

export interface Filter extends FloatColumns {
  readonly kind: 'float-planes';
}

const NONE = 0;
const FLOAT_PLANES = 1;

export function filterById(id: number): 'none' | Filter['kind'] | undefined {
  return id === NONE ? 'none' : id === FLOAT_PLANES ? 'float-planes' : undefined;
}

/** Content that the filter has nothing to do with stays as it is. */
export function applyFilter(content: Uint8Array, filter: Filter | undefined): { id: number; bytes: Uint8Array } {
  const bytes = filter === undefined ? undefined : encodeFloatPlanes(content, filter);
  return bytes === undefined ? { id: NONE, bytes: content } : { id: FLOAT_PLANES, bytes };
}

/** Undefined when the bytes cannot come from that filter. */
export function removeFilter(bytes: Buffer, id: number, contentBytes: number): Buffer | undefined {
  return id === NONE ? bytes : decodeFloatPlanes(bytes, contentBytes);
}
