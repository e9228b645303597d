import type { Command } from 'commander';
import type { OnError } from '../../connectors/connector.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ErrorLimit } from '../../pipeline/rejection-limit.ts';

export interface ErrorFlags {
  readonly onError?: string;
  readonly maxErrors?: string;
}

export function addErrorOptions(command: Command, rows = 'that break a type or constraint'): Command {
  return command
    .option('--on-error <what>', `stop, or quarantine the rows ${rows} (default: stop)`)
    .option('--max-errors <limit>', 'with quarantine: publish nothing when more rows are rejected, as N or P% of the rows read');
}

/** --on-error and --max-errors; a limit alone means that rows may be rejected up to it. @throws SluiceError USAGE */
export function parseErrorHandling({ onError, maxErrors }: ErrorFlags): { onError?: OnError; maxErrors?: ErrorLimit } {
  const what = onError?.toLowerCase();
  if (what !== undefined && what !== 'stop' && what !== 'quarantine') throw new SluiceError('USAGE', { what: `--on-error: "${onError}" is neither stop nor quarantine` });
  if (maxErrors === undefined) return what === undefined ? {} : { onError: what };
  if (what === 'stop') throw new SluiceError('USAGE', { what: '--max-errors needs --on-error quarantine: with stop no row may be wrong' });
  return { onError: 'quarantine', maxErrors: parseLimit(maxErrors) };
}

function parseLimit(text: string): ErrorLimit {
  const match = /^(\d{1,15})(\.\d+)?(\s*%)?$/.exec(text.trim());
  const value = Number(`${match?.[1] ?? ''}${match?.[2] ?? ''}`);
  if (match !== null && match[3] !== undefined && value <= 100) return { kind: 'percent', percent: value };
  if (match !== null && match[2] === undefined && match[3] === undefined) return { kind: 'rows', rows: value };
  throw new SluiceError('USAGE', { what: `--max-errors: "${text}" is neither a number of rows nor a percentage, such as 100 or 0.5%` });
}
