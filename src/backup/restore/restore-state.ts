/** What an interrupted restore needs to go on: plain data in the run store, without secrets. Everything else is in the backup, which does not change, and in the target's ledger. */
import { resolve } from 'node:path';
import type { BackupRestoreOptions } from './options.ts';
import type { RestoreSource } from './restore-source.ts';

export interface RestoreState {
  readonly version: 1;
  /** Tells this state from that of restores of files. */
  readonly kind: 'backup';
  readonly options: Omit<BackupRestoreOptions, 'to'>;
  readonly fingerprint: string;
  /** The target's name, without secrets. */
  readonly target: string;
}

// oxlint-disable-next-line max-params -- each is another thing
export function keptState({ to: _to, ...options }: BackupRestoreOptions, { name, fingerprint }: RestoreSource, target: string): RestoreState {
  // By the name of the source, that of a backup in it: the newest may be another by then.
  return { version: 1, kind: 'backup', options: { ...options, source: resolve(name) }, fingerprint, target };
}

export function isRestoreState(state: unknown): state is RestoreState {
  return typeof state === 'object' && state !== null && (state as { kind?: unknown }).kind === 'backup';
}

export function readState(state: unknown): RestoreState {
  if (!isRestoreState(state)) throw new TypeError('not the state of a restore');
  return state;
}
