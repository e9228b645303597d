/**
 * Where bytes come from: a local file, standard input, an http(s) URL; plain, gzip or zstd. Formats read only through this
 * contract; they never see paths, sockets or compression.
 */
export interface ByteSource {
  /** For people and plans, secrets removed: `data/cities.json.gz`, `stdin`, `https://host/file.csv`. */
  readonly name: string;
  /** Base name without folders, compression and format endings: the default table name (`cities`). */
  readonly stem: string;
  /** Format ending without dot and compression (`csv`), lower case; '' when there is none. */
  readonly extension: string;
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** Bytes as stored (compressed), where known. */
  readonly storedBytes?: number;
  /** Bytes after decompression; known only when `compression` is 'none' and the size is. */
  readonly bytes?: number;
  /** True when any range can be read, any number of times: an uncompressed local regular file. */
  readonly seekable: boolean;
  /** True when `read()` can be called again from the start (local files, also compressed; not stdin). */
  readonly repeatable: boolean;
  /** The local path when a foreign engine may read it by itself; undefined for stdin and URLs. */
  readonly path?: string;
  /** Identity of the content as far as the system says it without reading: size and modification time. */
  readonly fingerprint?: string;
  /** How far the latest `read()` is in the stored (compressed) bytes; with `storedBytes` an honest progress of compressed sources. */
  readonly storedBytesRead?: number;

  /**
   * The decompressed bytes in order, from `start` (default 0) to `end` (exclusive, default the end). `start`/`end` other than the defaults only when
   * `seekable`. Chunks are at most `chunkBytes` (default 256 KiB) and their memory is reused: valid until the next pull. Closing the
   * iteration early releases the source. A source that is not `repeatable` may be read once, after `head()` calls only.
   * @throws SluiceError SOURCE_*, HTTP_SOURCE_FAILED, COMPRESSION_CORRUPT, CANCELLED
   */
  read(options?: { start?: number; end?: number; chunkBytes?: number; signal?: AbortSignal }): AsyncGenerator<Uint8Array, void, undefined>;

  /**
   * Up to `bytes` decompressed bytes from the start, without consuming them: a later `read()` yields them again, also for stdin.
   * Shorter only when the source is.
   */
  head(bytes: number): Promise<Uint8Array>;

  /** Releases what `head` holds; safe to call twice. */
  close(): Promise<void>;
}
