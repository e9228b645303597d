import { z } from 'zod';

/** An error as application/problem+json (RFC 9457); the codes are those of docs/errors.md. */
export const problem = z.object({
  type: z.string().describe('urn:sluice:error:CODE'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  hint: z.string(),
  at: z.record(z.string(), z.union([z.string(), z.number()])).describe('file, table, column, part, row, line, byte: as far as known'),
  retryable: z.boolean(),
  receipt: z.unknown().optional().describe('Of a run that failed'),
});
export type Problem = z.infer<typeof problem>;

export const roleName = z.enum(['viewer', 'operator', 'admin']);

/** Milliseconds since 1970. */
export const time = z.int().describe('Milliseconds since 1970');

export const cursor = z.string().max(4000).describe('`next` of the page before');

export const connectionName = z.string().max(100).regex(/^[A-Za-z_][\w.-]*$/, 'must begin with a letter and hold only letters, digits, "_", "-" and "."');

export const runId = z.string().regex(/^[0-9A-Za-z_-]{1,64}$/, 'is no id of a run');

/** `table` or `schema.table`. */
export const tableName = z.string().min(1).max(300);

const MAX_SQL = 100_000;
export const sqlText = z.string().min(1).max(MAX_SQL);

/** A number in a query string. */
export function count(least: number, most: number): z.ZodCoercedNumber {
  return z.coerce.number().int().min(least).max(most);
}

/** `true` or `false` in a query string. */
export const flag = z.enum(['true', 'false']);

/** A list in a query string: `a,b`, or the parameter repeated. */
export const names = z.union([z.string().max(20_000), z.array(z.string().max(2000)).max(2000)]).describe('a,b or repeated');

export function page<T extends z.ZodType>(item: T): z.ZodObject<{ items: z.ZodArray<T>; next: z.ZodNullable<z.ZodString> }> {
  return z.object({ items: z.array(item), next: z.string().nullable().describe('Cursor of the next page; null at the end') });
}
