/**
 * The answer of a streaming route as a stream that a run writes to, at the pace of the client. Headers go out with the first byte, so that what fails before is answered as an error in
 * order. A client that takes nothing for too long, or goes away, ends the stream with an error, which ends the run.
 */
import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { SluiceError } from '../../errors/sluice-error.ts';

export class AnswerStream extends Writable {
  readonly #response: ServerResponse;
  readonly #headers: () => Record<string, string>;
  readonly #stallMs: number;

  constructor(response: ServerResponse, headers: () => Record<string, string>, stallMs: number) {
    super({ highWaterMark: 1 });
    this.#response = response;
    this.#headers = headers;
    this.#stallMs = stallMs;
    response.on('close', this.#onClose);
    response.on('error', this.#onClose);
  }

  /** Sends the headers where nothing was written. */
  begin(): void {
    if (!this.#response.headersSent) this.#response.writeHead(200, this.#headers());
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#response.destroyed) {
      done(new SluiceError('OUTPUT_CLOSED'));
      return;
    }
    this.begin();
    // Called when the system has taken the bytes, which it does when the client has made room.
    const timer = setTimeout(() => this.destroy(new SluiceError('OUTPUT_CLOSED', {}, {}, new Error('the client takes nothing'))), this.#stallMs);
    this.#response.write(chunk, (error) => {
      clearTimeout(timer);
      done(error == null ? null : new SluiceError('OUTPUT_CLOSED', {}, {}, error));
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#response.off('close', this.#onClose);
    done(error);
  }

  readonly #onClose = (): void => {
    if (!this.#response.writableFinished) this.destroy(new SluiceError('OUTPUT_CLOSED'));
  };
}
