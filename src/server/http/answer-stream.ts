/**
 * The answer of a streaming route as a stream that a run writes to, at the pace of the client. Headers go out with the first byte, so that what fails before is answered as an error in
 * order. The first bytes may be there before anybody has asked for them (`ready`): they wait, and with them the run. A client that takes nothing for too long, goes away, or never comes,
 * ends the stream with an error, which ends the run.
 */
import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { SluiceError } from '../../errors/sluice-error.ts';

type Done = (error?: Error | null) => void;

export class AnswerStream extends Writable {
  /** Resolves when there are bytes for a client. Of a stream without any it never does. */
  readonly ready: Promise<void>;
  readonly #headers: () => Record<string, string>;
  readonly #stallMs: number;
  readonly #isReady = Promise.withResolvers<void>();
  #response: ServerResponse | undefined;
  #held: { readonly chunk: Buffer; readonly done: Done; readonly timer: NodeJS.Timeout } | undefined;

  constructor(headers: () => Record<string, string>, stallMs: number) {
    super({ highWaterMark: 1 });
    // The run is told when it writes; while it waits for its connections nobody else listens.
    this.on('error', () => undefined);
    this.#headers = headers;
    this.#stallMs = stallMs;
    this.ready = this.#isReady.promise;
  }

  /** The client is there. */
  sendTo(response: ServerResponse): void {
    this.#response = response;
    response.on('close', this.#onClose);
    response.on('error', this.#onClose);
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    clearTimeout(held.timer);
    this.#send(held.chunk, held.done);
  }

  /** Sends the headers where nothing was written. */
  begin(): void {
    if (this.#response?.headersSent === false) this.#response.writeHead(200, this.#headers());
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    if (this.#response !== undefined) {
      this.#send(chunk, done);
      return;
    }
    this.#held = { chunk, done, timer: setTimeout(() => this.destroy(closed('nobody has fetched it')), this.#stallMs) };
    this.#isReady.resolve();
  }

  #send(chunk: Buffer, done: Done): void {
    const response = this.#response!;
    if (response.destroyed) {
      done(closed());
      return;
    }
    this.begin();
    // Called when the system has taken the bytes, which it does when the client has made room.
    const timer = setTimeout(() => this.destroy(closed('the client takes nothing')), this.#stallMs);
    response.write(chunk, (error) => {
      clearTimeout(timer);
      done(error == null ? null : new SluiceError('OUTPUT_CLOSED', {}, {}, error));
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#response?.off('close', this.#onClose);
    clearTimeout(this.#held?.timer);
    this.#held = undefined;
    done(error);
  }

  readonly #onClose = (): void => {
    if (!this.#response!.writableFinished) this.destroy(closed());
  };
}

function closed(why?: string): SluiceError {
  return new SluiceError('OUTPUT_CLOSED', {}, {}, why === undefined ? undefined : new Error(why));
}
