/** Large objects of a backup against those of a database. Those of the database are cut and hashed as the backup does it, so that none of the backup's content has to be read. */
import { createHash, type Hash } from 'node:crypto';
import type { CompareSource } from '../../connectors/compare-source.ts';
import { CHUNK_BYTES, type Content } from '../repository/content.ts';
import type { LargeObjectEntry } from '../repository/entry-list.ts';
import type { LargeObjectsReport } from './comparison-report.ts';

/** More are counted. */
const MOST_NAMED = 100;

/** @param entries in the order of their numbers, like those of the source */
export async function compareLargeObjects(entries: AsyncIterable<LargeObjectEntry>, source: CompareSource, signal: AbortSignal): Promise<LargeObjectsReport> {
  const report = new ReportOfObjects();
  const expected = entries[Symbol.asyncIterator]();
  let entry = await expected.next();
  for await (const { oid, content } of source.largeObjects(signal)) {
    while (entry.done !== true && entry.value.oid < oid) {
      report.missing(entry.value.oid);
      entry = await expected.next();
    }
    const found = await contentOf(content);
    if (entry.done === true || entry.value.oid > oid) {
      report.others++;
      continue;
    }
    report.compared(oid, isSame(entry.value.content, found));
    entry = await expected.next();
  }
  for (; entry.done !== true; entry = await expected.next()) report.missing(entry.value.oid);
  return report.end();
}

class ReportOfObjects {
  others = 0;
  #same = 0;
  #different = 0;
  readonly #named: { oid: number; status: 'missing' | 'different' }[] = [];

  missing(oid: number): void {
    this.#differs(oid, 'missing');
  }

  compared(oid: number, isEqual: boolean): void {
    if (isEqual) this.#same++;
    else this.#differs(oid, 'different');
  }

  end(): LargeObjectsReport {
    return { same: this.#same, different: this.#different, named: this.#named, others: this.others };
  }

  #differs(oid: number, status: 'missing' | 'different'): void {
    this.#different++;
    if (this.#named.length < MOST_NAMED) this.#named.push({ oid, status });
  }
}

async function contentOf(stream: AsyncIterable<Uint8Array>): Promise<Content> {
  const chunks: string[] = [];
  let bytes = 0, hash: Hash | undefined, used = 0;
  for await (const piece of stream) {
    for (let at = 0; at < piece.length;) {
      const count = Math.min(piece.length - at, CHUNK_BYTES - used);
      hash ??= createHash('sha256');
      hash.update(piece.subarray(at, at + count));
      at += count;
      used += count;
      if (used < CHUNK_BYTES) continue;
      chunks.push(hash.digest('hex'));
      hash = undefined;
      used = 0;
    }
    bytes += piece.length;
  }
  if (hash !== undefined) chunks.push(hash.digest('hex'));
  return { bytes, chunks };
}

function isSame(one: Content, other: Content): boolean {
  return one.bytes === other.bytes && one.chunks.length === other.chunks.length && one.chunks.every((chunk, i) => chunk === other.chunks[i]);
}
