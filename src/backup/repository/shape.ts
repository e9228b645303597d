/**
 * What documents of a repository must look like, checked as they are read: members that are not known are passed over. A few functions in place of a library for it, which took 17 MB of memory of a process
 * that may use 100.
 */

/** Reads a value that may be anything. @throws ShapeMismatch */
export type Shape<T> = (value: unknown, path: string) => T;

export type ShapeOf<S> = S extends Shape<infer T> ? T : never;

/** The message names the member: `parts.bytes: expected a whole number`. */
export class ShapeMismatch extends Error {
  override readonly name = 'ShapeMismatch';
}

export function fail(path: string, expected: string): never {
  throw new ShapeMismatch(`${path === '' ? 'the document' : path}: expected ${expected}`);
}

const OPTIONAL = Symbol('optional');
type Optional<T> = Shape<T | undefined> & { readonly [OPTIONAL]: true };
type Members = Readonly<Record<string, Shape<unknown>>>;
type OptionalNames<M extends Members> = { [K in keyof M]: M[K] extends { readonly [OPTIONAL]: true } ? K : never }[keyof M];
type ObjectOf<M extends Members> = { [K in Exclude<keyof M, OptionalNames<M>>]: ShapeOf<M[K]> } & { [K in OptionalNames<M>]?: Exclude<ShapeOf<M[K]>, undefined> };
type Flat<T> = { [K in keyof T]: T[K] };

export function object<M extends Members>(members: M): Shape<Flat<ObjectOf<M>>> {
  const entries = Object.entries(members);
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(path, 'an object');
    const read: Record<string, unknown> = {};
    for (const [name, shape] of entries) {
      const member = shape((value as Record<string, unknown>)[name], path === '' ? name : `${path}.${name}`);
      if (member !== undefined) read[name] = member;
    }
    return read as Flat<ObjectOf<M>>;
  };
}

/** A member that may be absent. */
export function optional<T>(shape: Shape<T>): Optional<T> {
  const read: Shape<T | undefined> = (value, path) => (value === undefined ? undefined : shape(value, path));
  return Object.assign(read, { [OPTIONAL]: true as const });
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value, path) => (value === null ? null : shape(value, path));
}

export const string: Shape<string> = (value, path) => (typeof value === 'string' ? value : fail(path, 'a string'));

export const boolean: Shape<boolean> = (value, path) => (typeof value === 'boolean' ? value : fail(path, 'true or false'));

export function matching(pattern: RegExp, what: string): Shape<string> {
  return (value, path) => (typeof value === 'string' && pattern.test(value) ? value : fail(path, what));
}

/** A whole number that a double holds. */
export function integer(least: number = Number.MIN_SAFE_INTEGER, most: number = Number.MAX_SAFE_INTEGER): Shape<number> {
  return (value, path) => (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most ? value as number : fail(path, `a whole number from ${least} to ${most}`));
}

/** From 0. */
export const natural: Shape<number> = integer(0);

/** ISO 8601 in UTC. */
export const time: Shape<string> = matching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z$/, 'a time in UTC');

export function oneOf<const T extends string | number>(...values: readonly T[]): Shape<T> {
  return (value, path) => (values.includes(value as T) ? value as T : fail(path, values.join(' or ')));
}

export function list<T>(of: Shape<T>, most: number = Infinity): Shape<T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length > most) return fail(path, most === Infinity ? 'a list' : `a list of at most ${most}`);
    return value.map((item, i) => of(item, `${path}.${i}`));
  };
}

/** A list of so many, each of its own shape. */
export function tuple<const T extends readonly Shape<unknown>[]>(...shapes: T): Shape<{ -readonly [K in keyof T]: ShapeOf<T[K]> }> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length !== shapes.length) return fail(path, `a list of ${shapes.length}`);
    return shapes.map((shape, i) => shape(value[i], `${path}.${i}`)) as { -readonly [K in keyof T]: ShapeOf<T[K]> };
  };
}
