/**
 * JSON is UTF-8. Documents in UTF-16 (by byte order mark, or by the zero bytes that its ASCII characters have) and, when the user says so, Latin-1 and
 * windows-1252 are turned into UTF-8 on the way in.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ByteSource } from '../../io/byte-source.ts';

export type JsonCharset = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1' | 'windows-1252';

/** What the user said, else what the first bytes say. @throws SluiceError OPTION_UNSUPPORTED */
export async function charsetOf(source: ByteSource, said: string | undefined): Promise<JsonCharset> {
  if (said !== undefined) return parseCharset(said);
  const head = await source.head(4);
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  if (head.length < 4) return 'utf-8';
  // JSON begins with two ASCII characters, or with one and any other.
  if (head[0] !== 0 && head[1] === 0 && (head[2] !== 0 || head[3] !== 0)) return 'utf-16le';
  return head[0] === 0 && head[1] !== 0 ? 'utf-16be' : 'utf-8';
}

function parseCharset(name: string): JsonCharset {
  const plain = name.toLowerCase().replaceAll(/[-_ ]/g, '');
  switch (plain) {
    case 'utf8': return 'utf-8';
    case 'utf16le': case 'utf16': return 'utf-16le';
    case 'utf16be': return 'utf-16be';
    case 'latin1': case 'iso88591': return 'latin1';
    case 'windows1252': case 'cp1252': return 'windows-1252';
    default: throw new SluiceError('OPTION_UNSUPPORTED', { option: `--encoding ${name}`, context: 'for JSON' });
  }
}

/** The chunks in UTF-8, without byte order mark. @throws SluiceError ENCODING_INVALID */
export async function* utf8Chunks(chunks: AsyncIterable<Uint8Array>, charset: JsonCharset, sourceName: string): AsyncGenerator<Uint8Array, void, undefined> {
  if (charset === 'utf-8') yield* withoutByteOrderMark(chunks);
  else if (charset === 'latin1') for await (const chunk of chunks) yield Buffer.from(Buffer.from(chunk).toString('latin1'));
  else yield* decoded(chunks, charset, sourceName);
}

async function* decoded(chunks: AsyncIterable<Uint8Array>, charset: string, sourceName: string): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = new TextDecoder(charset, { fatal: true });
  const encoder = new TextEncoder();
  const decode = (chunk?: Uint8Array): Uint8Array => {
    try {
      return encoder.encode(chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true }));
    } catch (error) {
      throw new SluiceError('ENCODING_INVALID', { source: sourceName, encoding: charset }, { file: sourceName }, error);
    }
  };
  for await (const chunk of chunks) yield decode(chunk);
  yield decode();
}

/** How many bytes `withoutByteOrderMark` leaves out, given the first bytes of the source. */
export function byteOrderMarkLength(head: Uint8Array): number {
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
}

async function* withoutByteOrderMark(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < 3) continue;
    yield head.subarray(byteOrderMarkLength(head));
    head = undefined;
  }
  if (head !== undefined && head.length > 0) yield head;
}
