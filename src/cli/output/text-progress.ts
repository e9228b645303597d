import type { ProgressEvent } from '../../progress/progress-event.ts';
import type { TransferPlan } from '../../pipeline/transfer.ts';
import { barLines, plainLine } from './progress-lines.ts';
import { ProgressModel } from './progress-model.ts';
import { printableLine } from './text.ts';

/** Something that shows the progress of one run. */
export interface ProgressDisplay {
  apply(event: ProgressEvent): void;
  planned(plan: TransferPlan): void;
  /** A line of its own, above what is live. */
  say(line: string): void;
  /** Takes the live lines away until the next `resume`, for a question to the user. */
  pause(): void;
  resume(): void;
  /** Leaves the terminal as it was. Safe to call twice. */
  close(): void;
}

/** What the displays need of a stream. */
export type DisplayStream = Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>;

const LIVE_INTERVAL_MS = 120;
const PLAIN_INTERVAL_MS = 2_000;
const DEFAULT_COLUMNS = 80;

/** Live bars on a terminal, plain lines at most every two seconds elsewhere, nothing when `quiet`. */
export function openProgress(stream: DisplayStream, quiet: boolean, env: NodeJS.ProcessEnv): ProgressDisplay {
  if (quiet) return SILENT;
  return stream.isTTY && env.TERM !== 'dumb' ? new LiveProgress(stream) : new PlainProgress(stream);
}

const SILENT: ProgressDisplay = { apply() {}, planned() {}, say() {}, pause() {}, resume() {}, close() {} };

class PlainProgress implements ProgressDisplay {
  readonly #stream: DisplayStream;
  readonly #model = new ProgressModel();
  readonly #timer: NodeJS.Timeout;
  #changed = false;

  constructor(stream: DisplayStream) {
    this.#stream = stream;
    this.#timer = setInterval(() => this.#print(), PLAIN_INTERVAL_MS);
    this.#timer.unref();
  }

  apply(event: ProgressEvent): void {
    this.#model.apply(event);
    if (event.type === 'note') this.say(event.message);
    else if (event.type !== 'resources') this.#changed = true;
  }

  planned(plan: TransferPlan): void {
    this.#model.tablesPlanned = plan.tables.length;
  }

  say(line: string): void {
    this.#stream.write(`${printableLine(line)}\n`);
  }

  pause(): void {}

  resume(): void {}

  close(): void {
    clearInterval(this.#timer);
  }

  #print(): void {
    this.#model.tick(Date.now());
    if (!this.#changed) return;
    this.#changed = false;
    this.#stream.write(`${plainLine(this.#model)}\n`);
  }
}

/** Redraws a few lines in place: cursor up to the first of them, erase to the end of the screen, write. */
class LiveProgress implements ProgressDisplay {
  readonly #stream: DisplayStream;
  readonly #model = new ProgressModel();
  #timer: NodeJS.Timeout | undefined;
  #drawn = 0;

  constructor(stream: DisplayStream) {
    this.#stream = stream;
    this.resume();
  }

  apply(event: ProgressEvent): void {
    this.#model.apply(event);
    if (event.type === 'note') this.say(event.message);
  }

  planned(plan: TransferPlan): void {
    this.#model.tablesPlanned = plan.tables.length;
  }

  say(line: string): void {
    const erase = this.#eraseSequence();
    this.#drawn = 0;
    this.#stream.write(`${erase}${printableLine(line)}\n`);
  }

  pause(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stream.write(this.#eraseSequence());
    this.#drawn = 0;
  }

  resume(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#draw(), LIVE_INTERVAL_MS);
    this.#timer.unref();
  }

  close(): void {
    if (this.#timer !== undefined) this.pause();
  }

  #draw(): void {
    this.#model.tick(Date.now());
    // One column less than there is: a full line makes some terminals wrap.
    const lines = barLines(this.#model, (this.#stream.columns || DEFAULT_COLUMNS) - 1);
    this.#stream.write(`${this.#eraseSequence()}${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }

  #eraseSequence(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A\r\u001b[0J`;
  }
}
