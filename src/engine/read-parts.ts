/**
 * The engine's rows as parts of bytes: one COPY of everything into a named pipe, cut at record boundaries. One statement is one consistent state,
 * keeps the table's order, and needs no row ids; the engine formats ahead while the parts are consumed.
 *
 * Two counts must agree before the last part is handed out: the records in the bytes, and the rows that the engine says it copied.
 */
import { SluiceError, toSluiceError } from '../errors/sluice-error.ts';
import type { PartStream } from '../rows/part.ts';
import { CANONICAL_CSV, COPY_TEXT, type RowEncoding } from '../rows/row-encoding.ts';
import type { EngineConnection } from './engine-connection.ts';
import type { EngineErrorContext } from './engine-errors.ts';
import type { EngineColumn, EngineType } from './engine-type.ts';
import type { OpenPipe, Pipe } from './pipe.ts';
import { quoteIdentifier, quoteString } from './quoting.ts';
import { RecordCutter, type CutPart } from './record-cutter.ts';
import { escapedForCopyText, mayNeedEscapes, textOf, type ArrayText } from './text-expressions.ts';

/** What the engine can put into a pipe, cheapest first for readers that take either. */
export const PIPE_ENCODINGS: readonly RowEncoding[] = [COPY_TEXT, CANONICAL_CSV];

/** A column to be read; `type` and SQL of its value over the relation. */
export interface ReadColumn {
  readonly type: EngineType;
  readonly expression: string;
  /** Instead of the request's. */
  readonly arrays?: ArrayText;
}

export interface ReadPartsRequest {
  readonly connection: EngineConnection;
  readonly columns: readonly ReadColumn[];
  /** Anything that can stand after FROM, with its WHERE. */
  readonly relation: string;
  readonly encoding: RowEncoding;
  readonly arrays: ArrayText;
  readonly partBytes: number;
  readonly signal: AbortSignal;
  readonly openPipe: OpenPipe;
  /** For messages. */
  readonly table: string;
  readonly context: EngineErrorContext;
  /** Parts can be pulled again and again, until they are released. */
  readonly replayable?: boolean;
}

/** A part, and its bytes for who wants them at once: void when it is released, or (not replayable) pulled. */
export interface EnginePart extends PartStream {
  readonly bytes: () => Uint8Array;
}

const CHUNK_BYTES = 256 * 1024;

export function readColumns(columns: readonly EngineColumn[]): ReadColumn[] {
  return columns.map(({ name, type }): ReadColumn => ({ type, expression: quoteIdentifier(name) }));
}

/** @throws SluiceError of the engine; CANCELLED; RECEIPT_UNBALANCED when the counts disagree */
export async function* readParts(request: ReadPartsRequest): AsyncGenerator<EnginePart, void, undefined> {
  const { connection, encoding, signal, table } = request;
  const stop = new AbortController();
  const forward = (): void => stop.abort(signal.reason);
  if (signal.aborted) forward();
  else signal.addEventListener('abort', forward, { once: true });
  const pipe = await request.openPipe(stop.signal);
  const copied = connection.run(copyStatement(request, pipe.path), { ...request.context, signal: stop.signal });
  // Nobody will write any more: the reading end must not wait.
  copied.catch((error: unknown) => pipe.close(toSluiceError(error)));
  const cutter = new RecordCutter(request.partBytes, encoding.kind === 'csv' ? encoding.quote : undefined);
  try {
    yield* numbered(cutPipe(pipe, cutter, copied, table), encoding, cutter, request.replayable === true);
  } finally {
    signal.removeEventListener('abort', forward);
    stop.abort(new SluiceError('CANCELLED'));
    await pipe.close();
    await copied.catch(() => undefined);
  }
}

function copyStatement(request: ReadPartsRequest, path: string): string {
  const { columns, relation, encoding, arrays } = request;
  const copyText = encoding.kind === 'copy-text';
  const items = columns.map(({ type, expression, arrays: own }, i) => {
    const text = textOf(type, expression, own ?? arrays);
    return `${copyText && mayNeedEscapes(type) ? escapedForCopyText(`CAST(${text} AS VARCHAR)`) : text} AS c${i}`;
  });
  const dialect = copyText
    ? `DELIMITER '\t', QUOTE '', ESCAPE '', NULLSTR '\\N'`
    : `DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR ''`;
  return `COPY (SELECT ${items.join(', ')} FROM ${relation}) TO ${quoteString(path)} (FORMAT csv, HEADER false, ${dialect}, COMPRESSION none, USE_TMP_FILE false)`;
}

async function* cutPipe(pipe: Pipe, cutter: RecordCutter, copied: Promise<number>, table: string): AsyncGenerator<CutPart, void, undefined> {
  let records = 0;
  for await (const chunk of pipe.readChunks()) {
    for (const part of cutter.add(chunk)) {
      records += part.records;
      yield part;
    }
  }
  const rows = await copied;
  const last = cutter.end();
  records += last?.records ?? 0;
  if (records !== rows) {
    throw new SluiceError('RECEIPT_UNBALANCED', { table, read: rows, written: records, rejected: 0, duplicate: 0, skipped: 0 }, { table });
  }
  if (last !== undefined) yield last;
}

async function* numbered(parts: AsyncGenerator<CutPart, void, undefined>, encoding: RowEncoding, cutter: RecordCutter, replayable: boolean): AsyncGenerator<EnginePart, void, undefined> {
  let index = 0;
  let row = 0;
  for await (const part of parts) {
    let held = true;
    const release = (): void => {
      if (held) cutter.recycle(part);
      held = false;
    };
    const bytes = (): Uint8Array => {
      if (!held) throw new SluiceError('INTERNAL', { reason: 'a part is read after it was released' });
      return part.bytes;
    };
    yield {
      part: { index: index++, interval: { kind: 'rows', start: row, end: row + part.records } },
      encoding,
      firstRow: row + 1,
      chunks: replayable ? { [Symbol.asyncIterator]: () => chunksOf(bytes(), () => undefined) } : chunksOf(bytes(), release),
      counts: () => ({ read: part.records, skipped: 0, bytes: part.bytes.length }),
      replayable,
      release,
      bytes,
    };
    row += part.records;
  }
}

async function* chunksOf(bytes: Uint8Array, end: () => void): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, Math.min(at + CHUNK_BYTES, bytes.length));
  } finally {
    end();
  }
}
