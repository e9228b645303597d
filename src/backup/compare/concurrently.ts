/** Works on items as they come, so many at once; ends with the first failure, when what has begun is over. */
export async function concurrently<T>(items: AsyncIterable<T> | Iterable<T>, limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  const note = (error: unknown): void => void (failure ??= { error });
  try {
    for await (const item of items) {
      const task = work(item).catch(note).finally(() => running.delete(task));
      running.add(task);
      while (running.size >= limit && failure === undefined) await Promise.race(running);
      if (failure !== undefined) break;
    }
  } catch (error) {
    note(error);
  }
  await Promise.all(running);
  if (failure !== undefined) throw failure.error;
}
