import { close, fstatSync, open, stat, write } from 'node:fs';
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { SluiceError } from '../errors/sluice-error.ts';
import type { ByteSink } from './byte-sink.ts';
import { linkCancellation, throwIfCancelled } from './cancellation.ts';
import { descriptorOfPath } from './descriptor.ts';
import { EncodedOutput, type OutputEncoding } from './encoded-output.ts';
import { openPipeForWriting, pipeStream, writeToStream } from './pipe-writer.ts';
import { outputError } from './system-errors.ts';

const openAsync = promisify(open);
const statAsync = promisify(stat);
const writeAsync = promisify(write);
const closeAsync = promisify(close);

/** Where a sink's bytes go when there is no name to publish. */
interface Outlet {
  write(bytes: Uint8Array): Promise<void>;
  /** After the last write. */
  end(): Promise<void>;
  /** Ends a write that is waiting for a reader. */
  giveUp(): void;
}

/** Standard output, a pipe or a device: bytes are gone when they are written, so publish and abort have nothing to do. */
class StreamSink implements ByteSink {
  readonly name: string;
  bytesWritten = 0;
  readonly #outlet: Outlet;
  readonly #signal: AbortSignal | undefined;
  readonly #output: EncodedOutput;
  readonly #unlink: () => void;
  #ended = false;

  constructor(name: string, outlet: Outlet, encoding: OutputEncoding, signal: AbortSignal | undefined) {
    this.name = name;
    this.#outlet = outlet;
    this.#signal = signal;
    const stop = new AbortController();
    stop.signal.addEventListener('abort', () => outlet.giveUp(), { once: true });
    this.#unlink = linkCancellation(signal, stop);
    this.#output = new EncodedOutput(encoding, async (bytes) => {
      await outlet.write(bytes);
      this.bytesWritten += bytes.length;
    });
  }

  async write(chunk: Uint8Array): Promise<void> {
    throwIfCancelled(this.#signal);
    if (this.#ended) throw new SluiceError('INTERNAL', { reason: `${this.name} was written to after its end` });
    await this.#output.write(chunk);
  }

  async finish(): Promise<void> {
    if (this.#ended) return;
    await this.#output.end();
    this.#ended = true;
    this.#unlink();
    await this.#outlet.end();
  }

  publish(): Promise<void> {
    return this.finish();
  }

  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#unlink();
    this.#outlet.giveUp();
    await this.#output.discard();
  }
}

/**
 * Standard output, or the stream given in its place. `name` is `stdout`.
 * Its `write` throws OUTPUT_CLOSED when the reader has gone (`| head`).
 */
export function openStdoutSink(encoding: OutputEncoding, signal: AbortSignal | undefined, stream?: Writable): ByteSink {
  const name = 'stdout';
  const outlet = stream === undefined && fstatSync(1).isFile() ? new DescriptorOutlet(1, name) : new StreamOutlet(stream ?? process.stdout, name, false);
  return new StreamSink(name, outlet, encoding, signal);
}

/**
 * A path that exists and is neither a regular file nor a folder: a named pipe (waits for its reader), a device, `/dev/fd/N`.
 * @throws SluiceError TARGET_UNWRITABLE, CANCELLED
 */
export async function openDeviceSink(path: string, encoding: OutputEncoding, signal: AbortSignal | undefined): Promise<ByteSink> {
  const inherited = outputDescriptorOfPath(path);
  if (inherited === 1) return openStdoutSink(encoding, signal);
  return new StreamSink(path, await openOutlet(path, inherited, signal), encoding, signal);
}

/** The number of a descriptor of this process that a path stands for, else undefined. */
export function outputDescriptorOfPath(path: string): number | undefined {
  return path === '/dev/stdout' ? 1 : path === '/dev/stderr' ? 2 : descriptorOfPath(path);
}

async function openOutlet(path: string, inherited: number | undefined, signal: AbortSignal | undefined): Promise<Outlet> {
  try {
    const descriptor = inherited ?? ((await statAsync(path)).isFIFO() ? await openPipeForWriting(path, signal) : await openAsync(path, 'w'));
    const kind = fstatSync(descriptor);
    if (kind.isFIFO() || kind.isSocket()) return new StreamOutlet(pipeStream(descriptor), path, true);
    return new DescriptorOutlet(descriptor, path);
  } catch (error) {
    throw outputError(error, path);
  }
}

class StreamOutlet implements Outlet {
  readonly #stream: Writable;
  readonly #name: string;
  /** False for standard output: others may want to write to it after us. */
  readonly #owned: boolean;
  readonly #stop = new AbortController();

  constructor(stream: Writable, name: string, owned: boolean) {
    this.#stream = stream;
    this.#name = name;
    this.#owned = owned;
    // Each write reports its own failure; without a listener the event that follows would end the process.
    stream.on('error', () => undefined);
  }

  write(bytes: Uint8Array): Promise<void> {
    return writeToStream(this.#stream, bytes, this.#name, this.#stop.signal);
  }

  end(): Promise<void> {
    if (!this.#owned) return Promise.resolve();
    return new Promise((resolve) => {
      this.#stream.once('close', resolve);
      this.#stream.end();
    });
  }

  giveUp(): void {
    this.#stop.abort();
    if (this.#owned) this.#stream.destroy();
  }
}

class DescriptorOutlet implements Outlet {
  readonly #descriptor: number;
  readonly #name: string;

  constructor(descriptor: number, name: string) {
    this.#descriptor = descriptor;
    this.#name = name;
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) at += (await writeAsync(this.#descriptor, bytes, at, bytes.length - at, null)).bytesWritten;
    } catch (error) {
      throw outputError(error, this.#name);
    }
  }

  async end(): Promise<void> {
    if (this.#descriptor > 2) await closeAsync(this.#descriptor);
  }

  giveUp(): void {
    if (this.#descriptor > 2) close(this.#descriptor, () => undefined);
  }
}
