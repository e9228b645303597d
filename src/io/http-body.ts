/**
 * The body of an HTTP answer as chunks, whole or not at all.
 *
 * A connection that breaks, and one that was closed because the consumer paused for long, is continued where it ended: with a Range
 * request where the server can, else by reading past what is known. That needs a validator (ETag or Last-Modified with the length),
 * by which the server says that it is still the same content; without one a broken connection is an error.
 */
import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { SluiceError } from '../errors/sluice-error.ts';
import type { ByteChunks } from './byte-chunks.ts';
import { cancellationOf, throwIfCancelled } from './cancellation.ts';
import { httpFailure, networkReason, requestFollowing, type HttpAnswer, type HttpRequest } from './http-request.ts';
import { redactUrl } from './names.ts';

/** What must be equal for two answers to be of the same content; undefined when the server does not say enough. */
export function validatorOf(response: IncomingMessage, totalBytes: number | undefined): string | undefined {
  const { etag, 'last-modified': modified } = response.headers;
  if (etag !== undefined && !etag.startsWith('W/')) return `${etag} ${totalBytes ?? ''}`;
  return modified === undefined || totalBytes === undefined ? undefined : `${modified} ${totalBytes}`;
}

/** The length of the whole content: Content-Length, or the part behind the slash of Content-Range. */
export function totalBytesOf(response: IncomingMessage): number | undefined {
  const range = /\/(\d+)\s*$/.exec(response.headers['content-range'] ?? '');
  const text = response.statusCode === 206 ? range?.[1] : response.headers['content-length'];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The time for which a connection may be silent or unused, measured by one timer for a whole body. */
class Watch {
  readonly #timer: NodeJS.Timeout;
  readonly #startedWaiting = { at: 0, waiting: false };
  #response: IncomingMessage;
  /** Why the connection was closed from this end. */
  closed: 'stalled' | 'idle' | undefined;

  constructor(response: IncomingMessage, stallMs: number, idleMs: number) {
    this.#response = response;
    this.#timer = setInterval(() => this.#look(stallMs, idleMs), Math.min(1000, stallMs / 4, idleMs / 4));
    this.#timer.unref();
  }

  mark(waiting: boolean): void {
    this.#startedWaiting.at = performance.now();
    this.#startedWaiting.waiting = waiting;
  }

  #look(stallMs: number, idleMs: number): void {
    const { at, waiting } = this.#startedWaiting;
    if (performance.now() - at < (waiting ? stallMs : idleMs)) return;
    this.closed = waiting ? 'stalled' : 'idle';
    this.#response.destroy();
    this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** @throws SluiceError HTTP_SOURCE_FAILED, SOURCE_CHANGED, CANCELLED */
export async function* readBody(first: HttpAnswer, request: HttpRequest): ByteChunks {
  const totalBytes = totalBytesOf(first.response);
  const body = new Body(first, request, totalBytes, validatorOf(first.response, totalBytes));
  try {
    for (;;) {
      const ended = yield* body.currentAnswer();
      if (ended) return;
      await body.reconnect();
    }
  } finally {
    body.close();
  }
}

class Body {
  readonly #request: HttpRequest;
  readonly #totalBytes: number | undefined;
  readonly #validator: string | undefined;
  #answer: HttpAnswer;
  /** Bytes yielded so far. */
  #received = 0;
  /** Bytes of the current answer that were yielded before. */
  #skip = 0;
  #attempts = 0;
  #failure: SluiceError | undefined;

  constructor(answer: HttpAnswer, request: HttpRequest, totalBytes: number | undefined, validator: string | undefined) {
    this.#answer = answer;
    this.#request = request;
    this.#totalBytes = totalBytes;
    this.#validator = validator;
  }

  /** Yields what the current connection gives. True: that was all; false: it broke and can be continued. */
  async *currentAnswer(): AsyncGenerator<Uint8Array, boolean, undefined> {
    const { limits, signal, url } = this.#request;
    const { response } = this.#answer;
    const watch = new Watch(response, limits.stallMs, this.#validator === undefined ? Infinity : limits.idleMs);
    const cancel = (): void => void response.destroy();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      throwIfCancelled(signal);
      watch.mark(true);
      for await (const chunk of response as AsyncIterable<Buffer>) {
        const known = Math.min(this.#skip, chunk.length);
        this.#skip -= known;
        if (known === chunk.length) continue;
        watch.mark(false);
        this.#received += chunk.length - known;
        this.#attempts = 0;
        yield chunk.subarray(known);
        watch.mark(true);
      }
      if (this.#totalBytes === undefined || this.#received === this.#totalBytes) return true;
      this.#failure = httpFailure(url, `the body ended after ${this.#received} of ${this.#totalBytes} bytes`);
    } catch (error) {
      if (signal.aborted) throw cancellationOf(signal);
      this.#failure = this.#explain(error, watch.closed);
    } finally {
      watch.stop();
      signal.removeEventListener('abort', cancel);
    }
    return false;
  }

  /** Gets a connection that continues at the byte after the last one, or throws what broke the last one. */
  async reconnect(): Promise<void> {
    const { limits, signal } = this.#request;
    for (;;) {
      const wait = this.#failure === undefined ? 0 : limits.retryMs[this.#attempts];
      if (this.#validator === undefined || wait === undefined) throw this.#failure ?? new SluiceError('INTERNAL', { reason: 'an idle connection was closed' });
      this.#attempts++;
      if (wait > 0) await pause(wait, undefined, { signal }).catch(() => throwIfCancelled(signal));
      try {
        const answer = await requestFollowing({ ...this.#request, headers: { ...this.#request.headers, Range: `bytes=${this.#received}-` } });
        if (this.#continues(answer)) return;
      } catch (error) {
        if (!(error instanceof SluiceError) || error.code !== 'HTTP_SOURCE_FAILED') throw error;
        this.#failure = error;
      }
    }
  }

  #continues(answer: HttpAnswer): boolean {
    const { response } = answer;
    const { statusCode = 0 } = response;
    if (statusCode === 200 || statusCode === 206) {
      const startsAt = statusCode === 200 ? 0 : Number(/^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1] ?? -1);
      const same = validatorOf(response, totalBytesOf(response)) === this.#validator && startsAt >= 0 && startsAt <= this.#received;
      if (!same) response.destroy();
      if (!same) throw new SluiceError('SOURCE_CHANGED', { source: redactUrl(this.#request.url) }, { byte: this.#received });
      this.#answer = answer;
      this.#skip = this.#received - startsAt;
      return true;
    }
    response.destroy();
    this.#failure = httpFailure(this.#request.url, `${statusCode} ${response.statusMessage ?? ''}`.trimEnd());
    return false;
  }

  #explain(error: unknown, closed: 'stalled' | 'idle' | undefined): SluiceError | undefined {
    if (closed === 'idle') return undefined;
    const { limits, url } = this.#request;
    if (closed === 'stalled') return httpFailure(url, `no data for ${limits.stallMs / 1000} s after ${this.#received} bytes`);
    const of = this.#totalBytes === undefined ? '' : ` of ${this.#totalBytes}`;
    return httpFailure(url, `${networkReason(error)} after ${this.#received}${of} bytes`, error);
  }

  close(): void {
    this.#answer.response.destroy();
  }
}
