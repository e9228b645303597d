/**
 * The body of a request as a stream of data, read no faster than it is used: nothing is kept but what is on its way. Ending it early leaves the connection alone, so that the reason
 * can still be answered. A client that sends nothing while it is waited for, or that goes away in the middle, is an error of its own.
 */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { SluiceError } from '../../errors/sluice-error.ts';
import { decompress } from '../../io/decompress.ts';
import type { ByteChunks } from '../../io/byte-chunks.ts';
import { releaseMemory } from '../../io/zlib-feed.ts';
import { baseName, extensionOfMediaType, splitName } from '../../io/names.ts';

/** Of 64 KiB, as they come: taken one by one, because joining them would make another copy of each. */
const BUFFERED_CHUNKS = 2;
/** 8 MiB: what the encoding `zstd` of HTTP may ask for at most (RFC 9659). */
const ZSTD_WINDOW_LOG = 23;
const MAX_FIELDS = 20;
const MAX_FIELD_BYTES = 4096;

export interface UploadedFile {
  readonly stream: Readable;
  /** As far as the request says one: with an ending where the Content-Type stands for one. */
  readonly name: string | undefined;
}

/**
 * The data of an upload: plain, encoded, or the first file of a form.
 * @param name what path or query say; else the form may
 * @throws SluiceError MEDIA_TYPE_UNSUPPORTED, REQUEST_INVALID
 */
export async function openUpload(request: IncomingMessage, name: string | undefined, stallMs: number): Promise<UploadedFile> {
  const type = request.headers['content-type'];
  const decoded = decode(new RequestBody(request, stallMs), request.headers['content-encoding']);
  if (!/^multipart\/form-data\b/i.test(type ?? '')) return { stream: decoded, name: nameOf(name, type) };
  const { openFormFile } = await import('./form-file.ts');
  const file = await openFormFile(decoded, type!, { fields: MAX_FIELDS, fieldSize: MAX_FIELD_BYTES });
  return { stream: file.stream, name: nameOf(name ?? file.name, file.type) };
}

/** A name without an ending gets the one of the media type: it says the format. */
function nameOf(name: string | undefined, type: string | undefined): string | undefined {
  const ending = extensionOfMediaType(type);
  const base = name === undefined ? undefined : baseName(name.replaceAll('\\', '/'));
  if (base === undefined || base === '') return ending === '' ? undefined : `upload.${ending}`;
  return splitName(base).extension === '' && ending !== '' ? `${base}.${ending}` : base;
}

class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #stallMs: number;
  #timer: NodeJS.Timeout | undefined;
  #bytes = 0;

  constructor(request: IncomingMessage, stallMs: number) {
    super({ objectMode: true, highWaterMark: BUFFERED_CHUNKS });
    this.#request = request;
    this.#stallMs = stallMs;
    // A reader is told when it reads; while the run still waits for its connections there is none.
    this.on('error', () => undefined);
    request.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).on('error', this.#onClose);
    request.pause();
  }

  /** Each chunk is good until the next is asked for: then its memory is given back, which the collector would do some hundred megabytes later. */
  override async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, undefined, undefined> {
    let previous: Buffer | undefined;
    for await (const chunk of super[Symbol.asyncIterator]() as AsyncIterable<Buffer>) {
      releaseWhole(previous);
      previous = chunk;
      yield chunk;
    }
    return undefined;
  }

  override _read(): void {
    this.#timer ??= setTimeout(() => this.destroy(new SluiceError('REQUEST_STALLED', { seconds: this.#stallMs / 1000 })), this.#stallMs);
    this.#request.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stopWaiting();
    this.#request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    this.#request.pause();
    done(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    this.#timer?.refresh();
    if (this.push(chunk)) return;
    this.#request.pause();
    this.#stopWaiting();
  };

  readonly #onEnd = (): void => {
    this.#stopWaiting();
    this.push(null);
  };

  readonly #onClose = (): void => {
    if (!this.#request.complete) this.destroy(new SluiceError('UPLOAD_CUT_OFF', { bytes: this.#bytes }));
  };

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Only of a chunk that has its memory for itself. */
function releaseWhole(chunk: Buffer | undefined): void {
  if (chunk !== undefined && chunk.byteLength === chunk.buffer.byteLength) releaseMemory(chunk.buffer);
}

function decode(body: Readable, header: string | undefined): Readable {
  const encoding = (header ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity') return body;
  if (encoding !== 'gzip' && encoding !== 'x-gzip' && encoding !== 'zstd') throw new SluiceError('MEDIA_TYPE_UNSUPPORTED', { type: `Content-Encoding ${encoding.slice(0, 40)}` });
  return new DecodedBody(body, decompress(chunksOf(body), encoding === 'zstd' ? 'zstd' : 'gzip', 'the body', { zstdWindowLog: ZSTD_WINDOW_LOG }));
}

async function* chunksOf(body: Readable): ByteChunks {
  for await (const chunk of body) yield chunk as Buffer;
}

/** Ends at once when it is destroyed, although a pull may be waiting for the client: the input is ended first. */
class DecodedBody extends Readable {
  readonly #input: Readable;
  readonly #chunks: ByteChunks;

  constructor(input: Readable, chunks: ByteChunks) {
    super({ objectMode: true, highWaterMark: BUFFERED_CHUNKS });
    this.on('error', () => undefined);
    this.#input = input;
    this.#chunks = chunks;
  }

  override _read(): void {
    this.#chunks.next().then(
      // The memory of a chunk is used again for the next.
      ({ done, value }) => void this.push(done === true ? null : Buffer.from(value)),
      (error: unknown) => this.destroy(error as Error),
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#input.destroy(error ?? new SluiceError('CANCELLED'));
    void this.#chunks.return().catch(() => undefined);
    done(error);
  }
}
