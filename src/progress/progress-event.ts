import type { SluiceError } from '../errors/sluice-error.ts';
import type { PartMapData } from './part-map.ts';

/**
 * Progress is data: the only thing that a running job says of itself. Text, JSON and web views are printers of it.
 * Counters are totals since the start of the run, never differences, so that an event may be lost without harm.
 */
export type ProgressEvent =
  | { readonly type: 'run-started'; readonly run: string; readonly job: string; readonly at: number }
  | { readonly type: 'phase'; readonly phase: Phase; readonly detail?: string; readonly at: number }
  | { readonly type: 'table-started'; readonly table: string; readonly expected: Expected; readonly at: number }
  | { readonly type: 'table-progress'; readonly table: string; readonly rows: number; readonly bytes: number; readonly expected: Expected; readonly at: number }
  | { readonly type: 'table-done'; readonly table: string; readonly rows: number; readonly bytes: number; readonly at: number }
  /** From the pipelines only: a run adds these up and tells the whole as `parts`. */
  | { readonly type: 'part'; readonly table: string; readonly part: number; readonly state: PartState; readonly at: number }
  | ({ readonly type: 'parts'; readonly at: number } & PartMapData)
  | { readonly type: 'resources'; readonly rssBytes: number; readonly at: number }
  | { readonly type: 'note'; readonly message: string; readonly at: number }
  | { readonly type: 'run-ended'; readonly run: string; readonly status: 'done' | 'failed' | 'cancelled'; readonly error?: SluiceError; /** Performance targets that it missed. */ readonly missed?: readonly string[]; readonly at: number };

export type Phase = 'inspecting' | 'planning' | 'moving' | 'publishing' | 'checking';

/** `rejected`: done, with rows in the quarantine. */
export type PartState = 'moving' | 'retrying' | 'done' | 'rejected' | 'failed';

/** What is known of the whole in advance. `exact` false: an estimate (database statistics, compressed size). */
export interface Expected {
  readonly rows?: number;
  readonly bytes?: number;
  readonly exact: boolean;
}

/** Receives events. Must not throw and must return at once; a slow consumer loses intermediate progress, never start and end. */
export type ProgressListener = (event: ProgressEvent) => void;
