/** Compression of pages, and its number in Parquet. */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';

export interface PageCodec {
  readonly id: number;
  /** The result is the caller's own, or the page itself. */
  compress(page: Buffer): Buffer;
}

/** Level 1 packs typed pages within a few percent of level 3 at half its time. */
const ZSTD_LEVEL = 1;
/** One output buffer for most pages; zlib's own 16 KiB would be many. */
export const OUTPUT_BYTES = 128 * 1024;

const CODECS: Readonly<Record<string, PageCodec>> = {
  none: { id: 0, compress: (page) => page },
  gzip: { id: 2, compress: (page) => gzipSync(page, { chunkSize: OUTPUT_BYTES }) },
  zstd: { id: 6, compress: (page) => zstdCompressSync(page, { chunkSize: OUTPUT_BYTES, params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } }) },
};

/** Undefined for codecs that only the engine has. */
export function pageCodec(name: string): PageCodec | undefined {
  return Object.hasOwn(CODECS, name) ? CODECS[name] : undefined;
}
