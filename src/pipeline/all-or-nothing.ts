import type { AbortScope } from './abort-scope.ts';

/** Waits until all of them have ended. The first failure stops the others through the scope, and is the one that is thrown: what they say then is its consequence. */
export async function allOrNothing<T extends readonly Promise<unknown>[]>(scope: AbortScope, works: readonly [...T]): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  const failures: unknown[] = [];
  for (const work of works) {
    work.catch((error: unknown) => {
      failures.push(error);
      scope.abort(error);
    });
  }
  const results = await Promise.allSettled(works);
  if (failures.length > 0) throw failures[0];
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as { [K in keyof T]: Awaited<T[K]> };
}
