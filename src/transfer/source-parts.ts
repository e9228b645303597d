/**
 * The parts of one table that came from one source, and points from which they can be read again. Of few parts every one's point is kept, of many each second,
 * fourth … one: memory stays the same however large the source is, and what is read too much is at most that fraction of it.
 */
import type { InspectedSource, ReadingPoint } from '../formats/format.ts';

const MOST_POINTS = 512;

export class SourceParts {
  readonly inspected: InspectedSource;
  /** Number of the first part among all parts of the table. */
  readonly first: number;
  #count = 0;
  #stride = 1;
  /** Of the parts first, first + stride, …; undefined where the source gave none. */
  #points: (ReadingPoint | undefined)[] = [];

  constructor(inspected: InspectedSource, first: number) {
    this.inspected = inspected;
    this.first = first;
  }

  /** The next part has come. */
  add(point: ReadingPoint | undefined): void {
    if (this.#count++ % this.#stride !== 0) return;
    this.#points.push(point);
    if (this.#points.length < MOST_POINTS) return;
    this.#points = this.#points.filter((_, i) => i % 2 === 0);
    this.#stride *= 2;
  }

  has(part: number): boolean {
    return part >= this.first && part < this.first + this.#count;
  }

  /** The last part with a point that is not behind this one; without a point, the source is read from its start. */
  nearest(part: number): { part: number; point?: ReadingPoint } {
    const i = Math.floor((part - this.first) / this.#stride);
    const point = this.#points[i];
    return point === undefined ? { part: this.first } : { part: this.first + i * this.#stride, point };
  }
}
