import type { Readable } from 'node:stream';
import { isatty } from 'node:tty';
import type { ByteChunks } from './byte-chunks.ts';
import type { ByteSource } from './byte-source.ts';
import { cancellationOf, throwIfCancelled } from './cancellation.ts';
import { readDescriptor } from './descriptor.ts';
import { SequentialSource } from './sequential-source.ts';
import { splitName } from './names.ts';
import { sourceError } from './system-errors.ts';

const STDIN_NAME = 'stdin';

/**
 * Standard input, or the stream given in its place, which may have the name of a file. Waits for its first bytes.
 * @throws SluiceError SOURCE_UNREADABLE, CANCELLED
 */
export function openStdin(signal: AbortSignal | undefined, stream?: Readable, name = STDIN_NAME): Promise<ByteSource> {
  const open = (stop: AbortSignal): ByteChunks => (stream === undefined ? readProcessStdin(stop) : readStream(stream, name, stop));
  return SequentialSource.open({ name, parts: splitName(name), storedBytes: undefined, open }, signal);
}

/** The descriptor itself, which costs one reused buffer, except for a terminal: that one Node must put into its mode. */
function readProcessStdin(signal: AbortSignal): ByteChunks {
  return isatty(0) ? readStream(process.stdin, STDIN_NAME, signal) : readDescriptor(0, STDIN_NAME, signal);
}

/** The bytes of any Node stream. Destroys it at the end. */
export async function* readStream(stream: Readable, name: string, signal: AbortSignal): ByteChunks {
  throwIfCancelled(signal);
  const cancel = (): void => void stream.destroy(cancellationOf(signal));
  signal.addEventListener('abort', cancel, { once: true });
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array | string>) {
      yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    }
  } catch (error) {
    throw sourceError(error, name);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
