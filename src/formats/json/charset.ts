/**
 * JSON is UTF-8. Documents in UTF-16 (by byte order mark, or by the zero bytes that its ASCII characters have) and, when the user says so, Latin-1 and
 * windows-1252 are turned into UTF-8 on the way in.
 */
import type { ByteSource } from '../../io/byte-source.ts';
import { decodedChunks, parseCharset, type CharsetName } from '../charset.ts';

/** What the user said, else what the first bytes say. @throws SluiceError OPTION_UNSUPPORTED */
export async function charsetOf(source: ByteSource, said: string | undefined): Promise<CharsetName> {
  if (said !== undefined) return parseCharset(said, 'JSON');
  const head = await source.head(4);
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  if (head.length < 4) return 'utf-8';
  // JSON begins with two ASCII characters, or with one and any other.
  if (head[0] !== 0 && head[1] === 0 && (head[2] !== 0 || head[3] !== 0)) return 'utf-16le';
  return head[0] === 0 && head[1] !== 0 ? 'utf-16be' : 'utf-8';
}

/** The chunks in UTF-8, without byte order mark. @throws SluiceError ENCODING_INVALID */
export async function* utf8Chunks(chunks: AsyncIterable<Uint8Array>, charset: CharsetName, sourceName: string): AsyncGenerator<Uint8Array, void, undefined> {
  if (charset === 'utf-8') yield* withoutByteOrderMark(chunks);
  else if (charset === 'latin1') for await (const chunk of chunks) yield Buffer.from(Buffer.from(chunk).toString('latin1'));
  else yield* decodedChunks(chunks, charset, sourceName);
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
