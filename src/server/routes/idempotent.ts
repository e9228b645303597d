import type { FastifyRequest } from 'fastify';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ServerContext } from '../context.ts';
import type { Holder } from '../store/credentials.ts';

export function keyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  return typeof key === 'string' ? key : undefined;
}

export interface OnceOnly {
  /** The run that was started with this key before; then nothing is started. */
  readonly run: string | undefined;
  began(run: string): void;
  /** Nothing was started: the key may be used again. */
  failed(): void;
}

/** @throws SluiceError REQUEST_INVALID for a key that is none, IDEMPOTENCY_CONFLICT */
export function once({ idempotency }: ServerContext, holder: Holder, key: string | undefined, request: string): OnceOnly {
  if (key === undefined) return { run: undefined, began: () => undefined, failed: () => undefined };
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) throw new SluiceError('REQUEST_INVALID', { what: 'Idempotency-Key must be 1 to 200 visible ASCII characters' });
  return {
    run: idempotency.take(holder.id, key, request),
    began: (run) => idempotency.started(holder.id, key, run),
    failed: () => idempotency.release(holder.id, key),
  };
}
