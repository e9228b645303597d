/**
 * Runs a statement that reads a named pipe while the chunks of a part are written into it. Whichever side fails first ends the other:
 * a failing statement closes the pipe, so that the writing side does not wait for a reader; a failing source interrupts the statement
 * and closes the pipe, so that the engine does not take half a part for a whole one.
 */
import { SluiceError, toSluiceError } from '../errors/sluice-error.ts';
import type { EngineConnection } from './engine-connection.ts';
import type { EngineErrorContext } from './engine-errors.ts';
import type { OpenPipe } from './pipe.ts';

interface FeedRequest {
  readonly connection: EngineConnection;
  /** The statement for a pipe at this path. */
  readonly statement: (path: string) => string;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly openPipe: OpenPipe;
  readonly signal: AbortSignal;
  readonly context: EngineErrorContext;
  /** Called with the bytes of each chunk as it goes. */
  readonly progress?: (bytes: number) => void;
}

/** @returns the rows that the engine says it changed or copied. @throws SluiceError of the engine or of the source, whichever came first */
export async function feed(request: FeedRequest): Promise<number> {
  const stop = new AbortController();
  const forward = (): void => stop.abort(request.signal.reason);
  if (request.signal.aborted) forward();
  else request.signal.addEventListener('abort', forward, { once: true });
  let failure: SluiceError | undefined;
  try {
    const pipe = await request.openPipe(stop.signal);
    const end = async (error: unknown): Promise<void> => {
      failure ??= toSluiceError(error);
      stop.abort(failure);
      await pipe.close(failure);
    };
    const stated = request.connection.run(request.statement(pipe.path), { ...request.context, signal: stop.signal });
    const written = pipe.writeChunks(metered(request.chunks, request.progress));
    // A reader that went away says nothing of why: the statement knows, and ends at once.
    const feeding = written.catch((error: unknown) => (isReaderGone(error) ? undefined : end(error)));
    const running = stated.catch(async (error: unknown) => {
      await end(error);
      return 0;
    });
    const [rows] = await Promise.all([running, feeding]);
    await pipe.close();
    if (failure === undefined) await written; // the reader left early, and yet the statement ended well: not all was read
    if (failure !== undefined) throw failure;
    return rows;
  } finally {
    request.signal.removeEventListener('abort', forward);
  }
}

function isReaderGone(error: unknown): boolean {
  return error instanceof SluiceError && error.code === 'OUTPUT_CLOSED';
}

async function* metered(chunks: AsyncIterable<Uint8Array>, progress: ((bytes: number) => void) | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    yield chunk;
    progress?.(chunk.length);
  }
}
