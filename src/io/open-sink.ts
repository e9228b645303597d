import type { Writable } from 'node:stream';
import type { ByteSink } from './byte-sink.ts';
import { openFileSink, statTarget } from './file-sink.ts';
import { splitName, type Compression } from './names.ts';
import { openDeviceSink, openStdoutSink, outputDescriptorOfPath } from './stream-sink.ts';

export interface OpenSinkOptions {
  /** `auto`: by the ending of the name (`.gz`, `.zst`), none for standard output. */
  readonly compression: Compression | 'auto';
  /** gzip 0 to 9 (default 6), zstd −7 to 22 (default 3). */
  readonly level?: number | undefined;
  /** zstd: more threads. Default 0. */
  readonly workers?: number | undefined;
  /** A file of that name is replaced when the new one is complete; otherwise it is TARGET_EXISTS. */
  readonly overwrite: boolean;
  readonly run: string;
  readonly signal?: AbortSignal | undefined;
  /** Instead of the process's own standard output. */
  readonly stdout?: Writable | undefined;
}

/**
 * Opens what a user named as the target of bytes: `-` for standard output, a file, or an existing pipe or device.
 * @throws SluiceError TARGET_EXISTS, TARGET_UNWRITABLE, DISK_FULL, OPTION_UNSUPPORTED (level), CANCELLED
 */
export async function openSink(target: string, options: OpenSinkOptions): Promise<ByteSink> {
  const compression = options.compression === 'auto' ? splitName(target).compression : options.compression;
  const encoding = { compression, level: options.level, workers: options.workers };
  if (target === '-') return openStdoutSink(encoding, options.signal, options.stdout);
  // A descriptor of ours is written to, also when it leads to a regular file: `--to /dev/stdout > out.csv`.
  if (outputDescriptorOfPath(target) !== undefined) return openDeviceSink(target, encoding, options.signal);
  const found = await statTarget(target);
  const isDevice = found !== undefined && !found.isFile() && !found.isDirectory() && !found.isSymbolicLink();
  if (isDevice) return openDeviceSink(target, encoding, options.signal);
  return openFileSink(target, { ...encoding, overwrite: options.overwrite, run: options.run, signal: options.signal });
}
