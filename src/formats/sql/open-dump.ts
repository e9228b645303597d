import type { ByteSource } from '../../io/byte-source.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { decodedChunks, parseCharset, type CharsetName } from '../charset.ts';
import { DEFAULT_MAX_RECORD_BYTES, type ReadOptions } from '../format.ts';
import { ByteWindow } from './byte-window.ts';
import type { Charset } from './charset.ts';
import { detectDialect } from './detect.ts';
import { LexicalRules } from './dialect.ts';

/** What is looked at to tell dialect and character set. */
const DETECT_BYTES = 256 * 1024;
/** What `inspect` looks at for tables: schemas of thousands of tables fit. */
export const SAMPLE_BYTES = 4 * 1024 * 1024;

export interface DumpForm {
  readonly rules: LexicalRules;
  readonly utf16: 'utf-16le' | 'utf-16be' | undefined;
  readonly charset: CharsetName;
}

/** Dialect and character set of a dump, from its head and the user's choice. @throws SluiceError SOURCE_EMPTY, OPTION_UNSUPPORTED */
export async function detectForm(source: ByteSource, options: ReadOptions): Promise<DumpForm> {
  const head = await source.head(DETECT_BYTES);
  if (head.length === 0) throw new SluiceError('SOURCE_EMPTY', { source: source.name }, { file: source.name });
  const chosen = options.charset === undefined ? undefined : parseCharset(options.charset, 'SQL');
  const utf16 = chosen === undefined ? utf16Mark(head) : chosen === 'utf-16le' || chosen === 'utf-16be' ? chosen : undefined;
  const text = utf16 === undefined ? head : Buffer.from(new TextDecoder(utf16).decode(head.subarray(0, head.length & ~1)));
  const detected = detectDialect(text);
  const single = chosen === undefined || chosen === utf16 ? undefined : chosen as Charset;
  const charset = utf16 === undefined ? single ?? 'utf-8' : 'utf-8';
  // What the dump declares is taken when its statement is reached.
  const rules = new LexicalRules(detected.dialect, charset, chosen !== undefined || utf16 !== undefined);
  return { rules, utf16, charset: utf16 ?? single ?? detected.charset ?? 'utf-8' };
}

/** The whole dump. */
export function openWindow(source: ByteSource, form: DumpForm, options: ReadOptions, signal: AbortSignal): ByteWindow {
  return windowOf(source, source.read({ signal }), form, options, signal);
}

/** The first bytes only: a window that ends where the sample does. */
export function sampleWindow(source: ByteSource, sample: Uint8Array, form: DumpForm, options: ReadOptions, signal: AbortSignal): ByteWindow {
  return windowOf(source, piecesOf(sample), form, options, signal);
}

// oxlint-disable-next-line max-params -- the two functions above are its only callers
function windowOf(source: ByteSource, chunks: AsyncGenerator<Uint8Array, void, undefined>, form: DumpForm, options: ReadOptions, signal: AbortSignal): ByteWindow {
  const limit = options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES;
  const utf8 = form.utf16 === undefined ? withoutMark(chunks) : decodedChunks(chunks, form.utf16, source.name);
  return new ByteWindow(utf8, { source: source.name, signal, limit, exactOffsets: form.utf16 === undefined });
}

const PIECE_BYTES = 256 * 1024;

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

/** UTF-8's mark becomes three blanks, so that offsets stay true. */
async function* withoutMark(chunks: AsyncGenerator<Uint8Array, void, undefined>): AsyncGenerator<Uint8Array, void, undefined> {
  let seen = 0;
  for await (const chunk of chunks) {
    if (seen >= UTF8_MARK.length) {
      yield chunk;
      continue;
    }
    let i = 0;
    while (seen < UTF8_MARK.length && i < chunk.length && chunk[i] === UTF8_MARK[seen]) {
      i++;
      seen++;
    }
    if (i > 0) yield new Uint8Array(i).fill(0x20);
    if (i < chunk.length) seen = UTF8_MARK.length;
    if (i < chunk.length) yield chunk.subarray(i);
  }
}

const UTF8_MARK = Uint8Array.of(0xef, 0xbb, 0xbf);

function utf16Mark(head: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  return head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : undefined;
}
