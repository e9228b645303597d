/**
 * Where bytes go: a local file (published by renaming when complete) or standard output; plain, gzip or zstd.
 */
export interface ByteSink {
  readonly name: string;
  /** The local path under which a foreign engine may write the unfinished file by itself; `publish()` still renames it. */
  readonly partialPath?: string;
  /** Bytes stored so far, after compression. */
  readonly bytesWritten: number;
  /** Takes the bytes before it resolves: the caller may reuse the chunk afterwards. Back-pressure is the promise. @throws SluiceError DISK_FULL, TARGET_UNWRITABLE, OUTPUT_CLOSED */
  write(chunk: Uint8Array): Promise<void>;
  /** Flushes, closes and fsyncs, so that nothing but the rename is left. After this no more writes. */
  finish(): Promise<void>;
  /** Makes the file visible under its name by an atomic rename. Standard output: nothing. Calls finish() first when needed. */
  publish(): Promise<void>;
  /** Removes what was written; safe after failures and twice. */
  abort(): Promise<void>;
}
