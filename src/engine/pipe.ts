import type { SluiceError } from '../errors/sluice-error.ts';

/**
 * What the engine needs of a named pipe (io/fifo.ts makes them; the engine and io do not know each other). Closing frees both ends,
 * also an end that waits inside native code.
 */
export interface Pipe {
  readonly path: string;
  readChunks(): AsyncIterable<Uint8Array>;
  writeChunks(chunks: AsyncIterable<Uint8Array>): Promise<void>;
  close(reason?: SluiceError): Promise<void>;
}

export type OpenPipe = (signal?: AbortSignal) => Promise<Pipe>;
