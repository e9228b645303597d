/** What an import would find: of the head of a file that a browser holds, of a file of the server, or of an address. */
import { Readable } from 'node:stream';
import { SluiceError } from '../../errors/sluice-error.ts';
import { closedHead } from '../../formats/json/closed-head.ts';
import { formatOfEnding } from '../../formats/registry.ts';
import type { ByteChunks } from '../../io/byte-chunks.ts';
import { decompress } from '../../io/decompress.ts';
import { isHttpUrl, splitName } from '../../io/names.ts';
import type { OpenSourcesOptions } from '../../io/open-sources.ts';
import { previewSource, type PreviewedTable } from '../../transfer/preview.ts';
import type { ServerContext } from '../context.ts';
import { LEAST_PREVIEW_BYTES, PREVIEW_BYTES, previewBody, type PreviewQuery } from '../contracts/transfers.ts';
import { openUpload } from '../http/request-body.ts';
import type { Router } from '../http/router.ts';
import { present } from '../present.ts';
import { Turns } from '../runs/turns.ts';
import { readable } from '../runs/job-start.ts';
import { readOptionsOf } from './import.ts';

const CHUNK_BYTES = 64 * 1024;
/** Each holds a head of 6 MiB, and what it unpacks to. */
const MOST_AT_ONCE = 2;
const MOST_WAITING = 50;

export function bindPreview(router: Router, context: ServerContext): void {
  const turns = new Turns(MOST_AT_ONCE, MOST_WAITING);
  router.bind(previewBody, async ({ query, request }) => {
    const signal = AbortSignal.timeout(context.patience.lookMs);
    return turns.take(signal, () => preview(query, request.raw, { context, signal }));
  });
}

async function preview(query: PreviewQuery, request: Parameters<typeof openUpload>[0], { context, signal }: { readonly context: ServerContext; readonly signal: AbortSignal }) {
  const { location, open } = query.source === undefined
    ? { location: '-', open: await headOf(query, request, context) }
    : { location: await readable(query.source, context), open: {} satisfies OpenSourcesOptions };
  const { tables, sources } = await previewSource({
    location, open, read: readOptionsOf(query), rows: query.rows, maxCell: query.maxCell, engineMemoryBytes: context.engineMemoryBytes, signal,
    ...present({ format: query.format === 'tsv' ? 'csv' as const : query.format }),
  });
  return { tables: tables.map((table) => answer(table)), sources, isAddress: isHttpUrl(location) };
}

function answer({ columns, rows, estimatedRows, bytes, details, ...rest }: PreviewedTable) {
  return { ...rest, details: { ...details }, columns: [...columns], rows: rows.map((row) => [...row]), estimatedRows: estimatedRows ?? null, bytes: bytes ?? null };
}

/**
 * The first bytes of a file. Unless they are all of it, the stream does not end behind them: a file whose head was looked at is not a file that was cut off.
 * @throws SluiceError OPTION_UNSUPPORTED for Parquet, whose columns are at its end; REQUEST_INVALID for a head that is too short
 */
async function headOf(query: PreviewQuery, request: Parameters<typeof openUpload>[0], { patience }: ServerContext): Promise<OpenSourcesOptions> {
  const { stream, name } = await openUpload(request, query.name, patience.stallMs);
  // Copied into one piece: the memory of a chunk is given back.
  const room = Buffer.allocUnsafeSlow(PREVIEW_BYTES);
  let size = 0;
  for await (const chunk of stream) {
    size += (chunk as Buffer).copy(room, size);
    if (size >= PREVIEW_BYTES) break;
  }
  const head = room.subarray(0, size);
  const isWhole = query.whole === 'true';
  if (!isWhole && (query.format === 'parquet' || head.subarray(0, 4).toString('latin1') === 'PAR1' || /\.(?:parquet|pq)$/i.test(name ?? ''))) {
    throw new SluiceError('OPTION_UNSUPPORTED', { option: 'A look at the beginning of a Parquet file', context: 'because its columns are described at its end' });
  }
  // Inspection looks at so much; of less it could not tell a file that ends there from one that goes on.
  if (!isWhole && head.length < LEAST_PREVIEW_BYTES) throw new SluiceError('REQUEST_INVALID', { what: `the body must be all of the file (then with whole=true) or at least ${LEAST_PREVIEW_BYTES} bytes of its head` });
  const stdinName = name ?? 'upload';
  if (isWhole) return { stdin: Readable.from([head], { objectMode: true }), stdinName };
  const { stem, extension, compression } = splitName(stdinName);
  if (!isJson(query, stdinName, head)) return { stdin: withoutEnd(head), stdinName };
  // Of JSON inspection looks at as much as there is; other formats look at a sample, and the stream does not end behind the head.
  const plain = compression === 'none' ? head : await unpacked(head, compression);
  return { stdin: Readable.from([closedHead(plain) ?? plain], { objectMode: true }), stdinName: extension === '' ? stem : `${stem}.${extension}` };
}

/** As much as the head of a compressed file holds: that it is cut off is no fault of the file. */
async function unpacked(head: Buffer, compression: 'gzip' | 'zstd'): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of decompress(chunksOf(head), compression, 'the body')) {
      chunks.push(Buffer.from(chunk));
      size += chunk.length;
      if (size >= PREVIEW_BYTES) break;
    }
  } catch (error) {
    if (size === 0) throw error;
  }
  return Buffer.concat(chunks);
}

async function* chunksOf(head: Buffer): ByteChunks {
  for (let at = 0; at < head.length; at += CHUNK_BYTES) yield head.subarray(at, at + CHUNK_BYTES);
}

function isJson({ format }: PreviewQuery, name: string | undefined, head: Buffer): boolean {
  const known = format ?? formatOfEnding(splitName(name ?? '').extension);
  return known === undefined ? /^\s*[[{]/.test(head.toString('latin1', 0, 100)) : known === 'json' || known === 'ndjson';
}

function withoutEnd(head: Buffer): Readable {
  let isSent = false;
  return new Readable({
    read() {
      if (!isSent) this.push(head);
      isSent = true;
    },
  });
}
