/** The files that were dropped or chosen anywhere on the page, until they are sent or put back. */
import { useSyncExternalStore } from 'react';

let files: readonly File[] = [];
const listeners = new Set<() => void>();

export function choose(next: readonly File[]): void {
  files = next;
  for (const listener of listeners) listener();
}

export function useChosenFiles(): readonly File[] {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, () => files);
}
