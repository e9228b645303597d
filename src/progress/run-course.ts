/**
 * How a run went over its time, for curves of it. Its size is bounded: when there are too many samples every second one goes, and from then on they are taken half as often; so the course of a
 * week is as small as that of a minute, and always whole.
 */
export interface CourseSample {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Totals since the start of the run. */
  readonly rows: number;
  readonly bytes: number;
  readonly rssBytes: number;
}

const MOST_SAMPLES = 240;
const FIRST_SPACING_MS = 350;

export class RunCourse {
  #samples: CourseSample[] = [];
  #spacing = FIRST_SPACING_MS;

  /** @param isLast the end is kept, however near the sample before it is */
  add(sample: CourseSample, isLast = false): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && !isLast && sample.at - last.at < this.#spacing) return;
    this.#samples.push(sample);
    if (this.#samples.length <= MOST_SAMPLES) return;
    this.#samples = this.#samples.filter((_, index) => index % 2 === 0);
    this.#spacing *= 2;
  }

  samples(): readonly CourseSample[] {
    return this.#samples;
  }
}
