/**
 * When chunks were last verified. Not per chunk, which would grow with the repository, but for each of the 65,536 ranges of chunk ids that begin with the same four hex digits: chunks are spread over them
 * evenly, so a percentage of the ranges is that percentage of the chunks, and the ranges that have waited longest are the next to be verified. A chunk counts as verified since a time
 * when its range was and it was stored before that.
 *
 * An object under `verified/` holds the state after a verification, in runs of equal ranges. Several are merged by the later time; older ones are then removed.
 */
import type { Storage } from '../storage/storage.ts';
import { randomText, VERIFIED, type ChunkId } from './object-names.ts';
import { checkDocument, DocumentDamage, sealDocument, unsealDocument } from './sealed-document.ts';
import { object, integer, natural, list, tuple } from './shape.ts';

export const RANGES = 65_536;

const runSchema = tuple(integer(0, RANGES - 1), integer(0, RANGES - 1), natural);
/** First range, last range, when its verification began, in milliseconds since 1970. */
const documentSchema = object({ verified: list(runSchema, RANGES) });

const DIGITS = 4;

export function rangeOf(chunk: ChunkId): number {
  return Number.parseInt(chunk.slice(0, DIGITS), 16);
}

export class VerifiedTimes {
  /** 0: never. */
  readonly #times = new Float64Array(RANGES);
  readonly #objects: string[] = [];

  /** What cannot be read counts for nothing: its chunks are verified again. */
  static async read(storage: Storage): Promise<VerifiedTimes> {
    const found = new VerifiedTimes();
    for await (const { name } of storage.list(VERIFIED)) {
      const bytes = await storage.get(name);
      if (bytes === undefined) continue;
      found.#objects.push(name);
      try {
        for (const [first, last, time] of checkDocument(documentSchema, unsealDocument(bytes)).verified) {
          for (let range = first; range <= last; range++) found.set(range, time);
        }
      } catch (error) {
        if (!(error instanceof DocumentDamage)) throw error;
      }
    }
    return found;
  }

  get(range: number): number {
    return this.#times[range];
  }

  set(range: number, time: number): void {
    this.#times[range] = Math.max(this.#times[range], time);
  }

  /** So many ranges, those first that have waited longest. */
  longestWaiting(count: number): Uint8Array {
    const order = Uint32Array.from({ length: RANGES }, (_, range) => range).sort((a, b) => this.#times[a] - this.#times[b] || a - b);
    const chosen = new Uint8Array(RANGES);
    for (const range of order.subarray(0, count)) chosen[range] = 1;
    return chosen;
  }

  async write(storage: Storage): Promise<void> {
    const verified: [number, number, number][] = [];
    for (let range = 0; range < RANGES; range++) {
      const time = this.#times[range], last = verified.at(-1);
      if (time === 0) continue;
      if (last !== undefined && last[1] === range - 1 && last[2] === time) last[1] = range;
      else verified.push([range, range, time]);
    }
    await storage.putIfAbsent(`${VERIFIED}${randomText(16)}.json`, sealDocument({ verified }));
    await storage.flush();
    for (const name of this.#objects.splice(0)) await storage.delete(name);
  }
}
