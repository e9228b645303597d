/**
 * Downloads that this page has begun. A browser says of a download that has failed no more than that; so the page follows the run behind it, and tells how it ended. They belong to the page
 * and not to a place of it; a list of them outlives that the page is loaded anew, as the downloads themselves do.
 */
import { useSyncExternalStore } from 'react';
import type { prepareDownload } from '../../../../src/server/contracts/transfers.ts';
import { addressOf, ask, type Asked } from '../../api/client.ts';

export interface Download {
  readonly run: string;
  /** What is taken out. */
  readonly name: string;
}

const KEPT = 'sluice.downloads';
const MOST = 5;

let downloads: readonly Download[] = JSON.parse(sessionStorage.getItem(KEPT) ?? '[]') as Download[];
const listeners = new Set<() => void>();

export function useDownloads(): readonly Download[] {
  return useSyncExternalStore(subscribe, () => downloads);
}

/** Begins an export and hands it to the browser. @throws ApiError for what fails before the first byte: then nothing is downloaded */
export async function download(name: string, query: NonNullable<Asked<typeof prepareDownload>['body']>, signal: AbortSignal): Promise<void> {
  const { run } = await ask<typeof prepareDownload>('POST', '/api/v1/downloads', { body: query, signal });
  const link = document.createElement('a');
  link.href = addressOf('/api/v1/downloads/{run}', { run });
  link.download = '';
  link.click();
  change([...downloads, { run, name }].slice(-MOST));
}

export function forgetDownload(run: string): void {
  change(downloads.filter((one) => one.run !== run));
}

function change(next: readonly Download[]): void {
  downloads = next;
  sessionStorage.setItem(KEPT, JSON.stringify(next));
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
