/**
 * The filter `float-planes`, for COPY streams in binary format that are mostly real[] or pgvector's vector or halfvec (embeddings). In a real[] every element of 4 bytes has a length word before it,
 * always 4; and of a float only the first byte or two repeat, the others are noise that no compressor shortens but every compressor searches. So the length words go, and the elements'
 * first bytes stand together, then their second bytes, and so on: zstd passes over the noise at the speed of memory. Bytes in docs/backup-format.md, "Filters".
 *
 * Columns only say where to look: what is found is checked, what does not fit stays literal, and the way back needs no columns.
 */

export interface FloatColumns {
  /** Positions of real[] and integer[] columns among those of the stream. */
  readonly arrays: readonly number[];
  /** Positions of columns of type vector or halfvec. Two numbers of the latter are one element: each of its four planes has bytes of one kind all the same. */
  readonly vectors: readonly number[];
}

const HEAD_BYTES = 12;
const CONTROL_BYTES = 8;
/** Shorter runs cost as much as they bring. */
const LEAST_ELEMENTS = 16;

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const STREAM_HEAD_BYTES = 19;
/** The length of the field (4 bytes), the number of elements (2), nothing (2). */
const VECTOR_HEAD_BYTES = 8;
const LENGTH_WORD = Buffer.from([0, 0, 0, 4]);

/** Elements of 4 bytes, one after the other; `stride` 8: each behind a length word. */
interface Runs {
  readonly starts: number[];
  readonly counts: number[];
  readonly strides: (4 | 8)[];
  elements: number;
}

/** Undefined when the content has nothing for this filter. */
export function encodeFloatPlanes(content: Uint8Array, columns: FloatColumns): Uint8Array | undefined {
  const runs = findRuns(content, columns);
  if (runs.elements === 0) return undefined;
  const { starts, counts, strides, elements } = runs;
  const runBytes = counts.reduce((sum, count, i) => sum + count * strides[i], 0);
  const literalBytes = content.length - runBytes;
  const out = new Uint8Array(HEAD_BYTES + CONTROL_BYTES * starts.length + literalBytes + 4 * elements);
  const view = new DataView(out.buffer);
  view.setUint32(0, literalBytes, true);
  view.setUint32(4, starts.length, true);
  view.setUint32(8, elements, true);
  let literal = HEAD_BYTES + CONTROL_BYTES * starts.length;
  let plane = literal + literalBytes;
  let at = 0;
  for (let i = 0; i < starts.length; i++) {
    view.setUint32(HEAD_BYTES + CONTROL_BYTES * i, starts[i] - at, true);
    view.setUint32(HEAD_BYTES + CONTROL_BYTES * i + 4, counts[i] * 2 + (strides[i] === 8 ? 1 : 0), true);
    out.set(content.subarray(at, starts[i]), literal);
    literal += starts[i] - at;
    split(content, starts[i] + strides[i] - 4, strides[i], counts[i], out, plane, elements);
    plane += counts[i];
    at = starts[i] + counts[i] * strides[i];
  }
  out.set(content.subarray(at), literal);
  return out;
}

/** Undefined when the bytes were not made by this filter from content of that length. */
export function decodeFloatPlanes(bytes: Buffer, contentBytes: number): Buffer | undefined {
  if (bytes.length < HEAD_BYTES) return undefined;
  const literalBytes = bytes.readUInt32LE(0), runs = bytes.readUInt32LE(4), elements = bytes.readUInt32LE(8);
  const literals = HEAD_BYTES + CONTROL_BYTES * runs;
  const planes = literals + literalBytes;
  if (bytes.length !== planes + 4 * elements) return undefined;
  const out = Buffer.allocUnsafeSlow(contentBytes);
  let literal = literals, plane = 0, at = 0;
  for (let i = 0; i < runs; i++) {
    const before = bytes.readUInt32LE(HEAD_BYTES + CONTROL_BYTES * i);
    const shape = bytes.readUInt32LE(HEAD_BYTES + CONTROL_BYTES * i + 4);
    const count = Math.floor(shape / 2), stride = shape % 2 === 1 ? 8 : 4;
    if (literal + before > planes || plane + count > elements || at + before + count * stride > contentBytes) return undefined;
    bytes.copy(out, at, literal, literal + before);
    literal += before;
    at += before;
    join(bytes, planes + plane, elements, out, at, stride, count);
    plane += count;
    at += count * stride;
  }
  if (plane !== elements || at + planes - literal !== contentBytes) return undefined;
  bytes.copy(out, at, literal, planes);
  return out;
}

function split(from: Uint8Array, start: number, stride: number, count: number, to: Uint8Array, plane: number, elements: number): void {
  const second = plane + elements, third = second + elements, fourth = third + elements;
  for (let i = 0, at = start; i < count; i++, at += stride) {
    to[plane + i] = from[at];
    to[second + i] = from[at + 1];
    to[third + i] = from[at + 2];
    to[fourth + i] = from[at + 3];
  }
}

function join(from: Uint8Array, plane: number, elements: number, to: Buffer, start: number, stride: number, count: number): void {
  const second = plane + elements, third = second + elements, fourth = third + elements;
  for (let i = 0, at = start; i < count; i++) {
    if (stride === 8) {
      to[at] = to[at + 1] = to[at + 2] = 0;
      to[at + 3] = 4;
      at += 4;
    }
    to[at] = from[plane + i];
    to[at + 1] = from[second + i];
    to[at + 2] = from[third + i];
    to[at + 3] = from[fourth + i];
    at += 4;
  }
}

function findRuns(content: Uint8Array, columns: FloatColumns): Runs {
  const runs: Runs = { starts: [], counts: [], strides: [], elements: 0 };
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  if (SIGNATURE.equals(content.subarray(0, SIGNATURE.length))) walkRows(runs, view, columns);
  else if (columns.arrays.length > 0) searchRuns(runs, content, view);
  else if (columns.vectors.length > 0) searchVectors(runs, view);
  return runs;
}

/** From the head of a stream to its end, or as far as this content has it. */
function walkRows(runs: Runs, view: DataView, columns: FloatColumns): void {
  const arrays = new Set(columns.arrays), vectors = new Set(columns.vectors);
  const size = view.byteLength;
  let at = STREAM_HEAD_BYTES;
  while (at + 2 <= size) {
    const fields = view.getInt16(at);
    at += 2;
    for (let field = 0; field < fields; field++) {
      if (at + 4 > size) return;
      const length = view.getInt32(at);
      at += 4;
      if (length <= 0) continue;
      const end = Math.min(size, at + length);
      if (arrays.has(field)) addArray(runs, view, at, end);
      else if (vectors.has(field)) addRun(runs, at + 4, Math.floor((end - at - 4) / 4), 4);
      at += length;
    }
  }
}

/** In the later chunks of a stream nobody knows where a row begins; but a run of length words shows itself. */
function searchRuns(runs: Runs, content: Uint8Array, view: DataView): void {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  for (let at = bytes.indexOf(LENGTH_WORD); at >= 0; at = bytes.indexOf(LENGTH_WORD, at)) {
    let end = at;
    while (end + 8 <= bytes.length && view.getInt32(end) === 4) end += 8;
    addRun(runs, at, (end - at) / 8, 8);
    at = Math.max(end, at + 1);
  }
}

/** Nor where a vector does; but the length of its field and its own head, the number of its elements and 0, fit together. */
function searchVectors(runs: Runs, view: DataView): void {
  const size = view.byteLength;
  let at = 0;
  while (at + VECTOR_HEAD_BYTES <= size) {
    const elements = view.getUint16(at + 4);
    const bytes = view.getInt32(at) - 4;
    if (view.getUint16(at + 6) !== 0 || elements < LEAST_ELEMENTS || (bytes !== 4 * elements && bytes !== 2 * elements)) {
      at++;
      continue;
    }
    const first = at + VECTOR_HEAD_BYTES, end = Math.min(size, first + bytes);
    addRun(runs, first, Math.floor((end - first) / 4), 4);
    at = end;
  }
}

/** Elements behind the array's own head, up to the first that is not 4 bytes long (a NULL). */
function addArray(runs: Runs, view: DataView, start: number, end: number): void {
  if (start + 12 > end) return;
  const first = start + 12 + 8 * view.getInt32(start);
  if (first <= start || first > end) return;
  let at = first;
  while (at + 8 <= end && view.getInt32(at) === 4) at += 8;
  addRun(runs, first, (at - first) / 8, 8);
}

function addRun(runs: Runs, start: number, count: number, stride: 4 | 8): void {
  if (count < LEAST_ELEMENTS) return;
  runs.starts.push(start);
  runs.counts.push(count);
  runs.strides.push(stride);
  runs.elements += count;
}
