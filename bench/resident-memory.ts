/**
 * The resident memory of one process over time, from /proc: the kernel's own high-water mark (set back when the watch begins), and a sample every 200 ms that says whether it grows.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { median } from './measure.ts';

const SAMPLE_MS = 200;
const SHARES = 10;

export interface MemoryCourse {
  readonly seconds: number;
  readonly peakBytes: number;
  /** The median of each tenth of the time: what is flat has the same everywhere. */
  readonly tenths: readonly number[];
}

export class MemoryWatch {
  readonly #pid: number;
  readonly #started = performance.now();
  readonly #samples: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.#pid = pid;
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#sample();
  }

  end(): MemoryCourse {
    clearInterval(this.#timer);
    this.#sample();
    const { length } = this.#samples;
    const tenths = Array.from({ length: SHARES }, (_, share) => {
      const from = Math.min(length - 1, Math.floor((share * length) / SHARES));
      return median(this.#samples.slice(from, Math.max(from + 1, Math.floor(((share + 1) * length) / SHARES))));
    });
    return { seconds: (performance.now() - this.#started) / 1000, peakBytes: this.#read('VmHWM'), tenths };
  }

  #sample(): void {
    this.#samples.push(this.#read('VmRSS'));
  }

  #read(field: string): number {
    const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${this.#pid}/status`, 'utf8'))?.[1];
    if (kilobytes === undefined) throw new Error(`process ${this.#pid} has no ${field}`);
    return Number(kilobytes) * 1024;
  }
}
