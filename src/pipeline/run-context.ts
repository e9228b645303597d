import type { Readable, Writable } from 'node:stream';
import type { ProgressListener } from '../progress/progress-event.ts';

/** What a run is given from outside: identity, limits, and the ends of the process. */
export interface RunContext {
  readonly run: string;
  /** Aborts the run; whatever is in hand is released and the target is left as it was. */
  readonly signal: AbortSignal;
  readonly progress: ProgressListener;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable;
  /** What standard input is called, like the name of a file; it says the default table and the format. */
  readonly stdinName?: string;
  readonly stdout: Writable;
  /** Nothing will be moved: prepare the plan and leave no trace. */
  readonly planOnly: boolean;
  /** Parts moved at once. */
  readonly jobs: number;
  /** Aimed size of a part, in bytes of its encoding. */
  readonly partBytes: number;
  /** Memory limit of the embedded engine on lanes that use it. */
  readonly engineMemoryBytes: number;
  /** What the run said with `keep` before it was interrupted; undefined for a run that begins. */
  readonly resumed?: unknown;
  /** Records what the run needs to be taken up again. Plain data without secrets. Until it is called the run cannot be resumed. */
  readonly keep: (state: unknown) => void;
  /** Whether another run of the workspace is recorded as done: what it has left in its target has no use any more. */
  readonly isDone: (run: string) => boolean;
  /** The workspace folder (`.sluice`), absolute. */
  readonly workspace: string;
}
