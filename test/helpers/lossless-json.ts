/** JSON values with every number as its source text, so that 1.10, 1e400 and 2^63 stay what they are. */
export type Lossless = string | boolean | null | { readonly number: string } | Lossless[] | { [key: string]: Lossless };

export function parseLossless(text: string): Lossless {
  // The third argument (source text of primitives) is in V8, and not yet in TypeScript's library.
  const parse = JSON.parse as (text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown) => Lossless;
  return parse(text, (_key, value, { source }) => (typeof value === 'number' ? { number: source! } : value));
}
