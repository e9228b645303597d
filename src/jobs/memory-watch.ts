/** The highest resident memory of this process while a run lasts. The system only knows the peak since the start of the process, which in a server may be of an earlier run. */
export class MemoryWatch {
  readonly #before = peakOfProcess();
  #highest = process.memoryUsage.rss();

  /** Looks; gives what it saw. */
  sample(): number {
    const rss = process.memoryUsage.rss();
    if (rss > this.#highest) this.#highest = rss;
    return rss;
  }

  /** Exact where the peak of the process was reached since the watch began, else the highest sample. */
  peakBytes(): number {
    this.sample();
    const peak = peakOfProcess();
    return peak > this.#before ? peak : Math.min(this.#highest, peak);
  }
}

/** In bytes; `maxRSS` is in KiB on every platform. */
function peakOfProcess(): number {
  return process.resourceUsage().maxRSS * 1024;
}
