/**
 * A path at which the engine can read a source. Parquet is read from its end, so what cannot seek (standard input, http, a compressed file) is first
 * written to a private temporary file.
 *
 * The source that inspection hands out is the original with this path; closing it, or reading it to the end, removes the temporary file. A process
 * that ends before either removes it on exit.
 */
import { rmSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasSystemCode, SluiceError } from '../../errors/sluice-error.ts';
import type { ByteSource } from '../../io/byte-source.ts';
import { targetError } from '../../io/system-errors.ts';

export interface LocalSource extends ByteSource {
  readonly path: string;
}

export async function localSource(source: ByteSource, signal: AbortSignal): Promise<LocalSource> {
  if (source.path !== undefined && source.compression === 'none') return source as LocalSource;
  return new TemporarySource(source, await spool(source, signal));
}

interface TemporaryFile {
  readonly folder: string;
  readonly path: string;
  readonly bytes: number;
}

const left = new Set<string>();
let exitHook = false;

async function temporaryFolder(): Promise<string> {
  const parent = tmpdir();
  const folder = await mkdtemp(join(parent, 'sluice-parquet-')).catch((error: unknown) => { throw targetError(error, parent); });
  left.add(folder);
  if (!exitHook) {
    exitHook = true;
    process.once('exit', () => { for (const one of left) rmSync(one, { recursive: true, force: true }); });
  }
  return folder;
}

async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  left.delete(folder);
}

async function spool(source: ByteSource, signal: AbortSignal): Promise<TemporaryFile> {
  const folder = await temporaryFolder();
  const path = join(folder, 'source.parquet');
  let bytes = 0;
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const chunk of source.read({ signal })) {
        let at = 0;
        while (at < chunk.length) at += (await file.write(chunk, at)).bytesWritten;
        bytes += chunk.length;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    await removeFolder(folder);
    if (hasSystemCode(error, 'ENOSPC', 'EDQUOT')) throw new SluiceError('DISK_FULL', { path: folder }, { file: source.name }, error);
    throw error instanceof SluiceError ? error : targetError(error, path);
  }
  return { folder, path, bytes };
}

class TemporarySource implements LocalSource {
  readonly name: string;
  readonly stem: string;
  readonly extension: string;
  readonly compression = 'none';
  readonly seekable = false;
  readonly repeatable = false;
  readonly path: string;
  readonly bytes: number;
  readonly #original: ByteSource;
  readonly #folder: string;

  constructor(original: ByteSource, file: TemporaryFile) {
    this.name = original.name;
    this.stem = original.stem;
    this.extension = original.extension;
    this.path = file.path;
    this.bytes = file.bytes;
    this.#original = original;
    this.#folder = file.folder;
  }

  read(options?: Parameters<ByteSource['read']>[0]): ReturnType<ByteSource['read']> {
    return this.#original.read(options);
  }

  head(bytes: number): Promise<Uint8Array> {
    return this.#original.head(bytes);
  }

  async close(): Promise<void> {
    await removeFolder(this.#folder);
    await this.#original.close();
  }
}

/** Removes what was made for the engine; the source itself stays open, its owner closes it. */
export async function releaseLocal(source: ByteSource): Promise<void> {
  if (source instanceof TemporarySource) await source.close();
}
