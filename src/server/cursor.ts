import type { z } from 'zod';
import { SluiceError } from '../errors/sluice-error.ts';

/** Cursors are ours alone: clients hand back what they were given. Nothing in one is trusted more than a query parameter. */
export function encodeCursor(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** @throws SluiceError REQUEST_INVALID */
export function decodeCursor<T>(text: string | undefined, schema: z.ZodType<T>): T | undefined {
  if (text === undefined) return undefined;
  try {
    const result = schema.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
    if (result.success) return result.data;
  } catch { /* not JSON: said below */ }
  throw new SluiceError('REQUEST_INVALID', { what: 'cursor is none of this list' });
}
