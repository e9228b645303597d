/** Opens a window and its lexer over a source's bytes in UTF-8. */
import { DEFAULT_MAX_RECORD_BYTES, type ReadOptions } from '../format.ts';
import type { ByteSource } from '../../io/byte-source.ts';
import { ByteWindow, WINDOW_BYTES } from './byte-window.ts';
import type { CharsetName } from '../charset.ts';
import { byteOrderMarkLength, utf8Chunks } from './charset.ts';
import { JsonLexer } from './lexer.ts';

export interface OpenWindow {
  readonly lexer: JsonLexer<ByteWindow>;
  readonly close: () => Promise<void>;
}

/** @param chunks of the source from its start; default: all of it, by `source.read` */
export async function openWindow(source: ByteSource, charset: CharsetName, options: ReadOptions, signal: AbortSignal, chunks?: AsyncIterable<Uint8Array>): Promise<OpenWindow> {
  const head = await source.head(3);
  const bytes = chunks ?? source.read({ signal, chunkBytes: WINDOW_BYTES });
  const window = new ByteWindow(utf8Chunks(bytes, charset, source.name), {
    sourceName: source.name,
    signal,
    maxRecordBytes: options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES,
    base: charset === 'utf-8' ? byteOrderMarkLength(head) : 0,
  });
  return { lexer: new JsonLexer(window, charset === 'utf-8'), close: () => window.close() };
}
