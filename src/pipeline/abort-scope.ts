import { SluiceError, toSluiceError } from '../errors/sluice-error.ts';

/**
 * A run-internal abort: fires when the run's own signal does, or when one worker fails and the others must stop.
 * `dispose` detaches from the outer signal, which outlives many scopes.
 */
export class AbortScope {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #forward = (): void => this.#controller.abort(this.#outer.reason);

  constructor(outer: AbortSignal) {
    this.#outer = outer;
    if (outer.aborted) this.#forward();
    else outer.addEventListener('abort', this.#forward, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  dispose(): void {
    this.#outer.removeEventListener('abort', this.#forward);
  }
}

/** Throws CANCELLED (or the coded reason of the abort) once the signal has fired. */
export function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw signal.reason instanceof SluiceError ? signal.reason : new SluiceError('CANCELLED', {}, {}, toSluiceError(signal.reason));
}
