import type { RunHandle } from '../jobs/start-run.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * The first Ctrl-C (or SIGTERM, SIGHUP) cancels the run, which leaves the target as it was; a second Ctrl-C ends the process at once.
 * @returns a function that takes the handlers away
 */
export function cancelOnSignals(handle: RunHandle, say: (line: string) => void): () => void {
  let asked = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (asked && signal === 'SIGINT') endAtOnce();
    if (asked) return;
    asked = true;
    say('Cancelling … (Ctrl-C again ends at once)');
    // The outcome is awaited by whoever started the run.
    void handle.cancel();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}

/**
 * By the signal itself, which a shell reports as 130. Not by process.exit: that waits for the threads of the embedded engine, which may be what
 * does not come to an end.
 */
function endAtOnce(): void {
  process.removeAllListeners('SIGINT');
  process.kill(process.pid, 'SIGINT');
}
