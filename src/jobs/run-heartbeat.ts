import { SluiceError } from '../errors/sluice-error.ts';
import type { RunOwner } from './run-owner.ts';
import type { Progress, RunStore } from './run-store.ts';

/** How often the cancel flag is read: a cancel has to be felt within a second. */
const POLL_MS = 400;
/** The lease is written less often than the flag is read: a write is an fsync that competes with the run's own. */
const RENEW_EVERY_POLLS = 10;

export interface HeartbeatOptions {
  readonly store: RunStore;
  readonly run: string;
  readonly owner: RunOwner;
  readonly progress: () => Progress;
  /** Called at each poll, for what else wants a regular look. */
  readonly onPoll: () => void;
  /** Asks the run to stop, with the reason. */
  readonly stop: (reason: SluiceError) => void;
  /** Told once when the store cannot be used any more; the run goes on, because its data does not depend on the record of it. */
  readonly onTrouble: (error: SluiceError) => void;
}

/** Keeps a run's lease and looks for its cancel flag until the returned function is called. */
export function startHeartbeat(options: HeartbeatOptions): () => void {
  let polls = 0;
  let troubled = false;
  const poll = (): void => {
    options.onPoll();
    try {
      if (++polls % RENEW_EVERY_POLLS === 0) renew(options);
      else if (options.store.isCancelRequested(options.run)) options.stop(new SluiceError('CANCELLED'));
    } catch (error) {
      if (troubled) return;
      troubled = true;
      options.onTrouble(error as SluiceError);
    }
  };
  const timer = setInterval(poll, POLL_MS);
  return () => clearInterval(timer);
}

function renew({ store, run, owner, progress, stop }: HeartbeatOptions): void {
  const answer = store.beat(run, owner, progress());
  if (answer === 'cancel') stop(new SluiceError('CANCELLED'));
  if (answer === 'lost') stop(new SluiceError('RUN_NOT_ACTIVE', { run, status: 'taken over or ended by another process' }));
}
