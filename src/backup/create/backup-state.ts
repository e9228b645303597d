import type { BackupOptions } from './backup-options.ts';

/** What an interrupted backup needs to go on: what it was asked for. What it has stored is found by its content. Plain data in the run store, without secrets. */
export interface BackupState {
  readonly version: 1;
  readonly options: Omit<BackupOptions, 'from'>;
}

export function keptBackup({ from: _from, ...options }: BackupOptions): BackupState {
  return { version: 1, options };
}
