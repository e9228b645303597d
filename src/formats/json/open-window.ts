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

export interface WindowPlace {
  /** Of the source from its start; default: what `source.read` yields. */
  readonly chunks?: AsyncIterable<Uint8Array>;
  /** Only of sources in UTF-8 that can seek; default: the start. */
  readonly start?: number;
}

export async function openWindow(source: ByteSource, charset: CharsetName, options: ReadOptions, signal: AbortSignal, { chunks, start }: WindowPlace = {}): Promise<OpenWindow> {
  const head = await source.head(3);
  const bytes = chunks ?? source.read({ signal, chunkBytes: WINDOW_BYTES, ...(start === undefined ? {} : { start }) });
  const window = new ByteWindow(utf8Chunks(bytes, charset, source.name), {
    sourceName: source.name,
    signal,
    maxRecordBytes: options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES,
    base: start ?? (charset === 'utf-8' ? byteOrderMarkLength(head) : 0),
  });
  return { lexer: new JsonLexer(window, charset === 'utf-8'), close: () => window.close() };
}
