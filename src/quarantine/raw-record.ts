/**
 * The raw bytes of a record on their way into a row: inside the line up to 1 MiB, beyond that in a file of their own, named by what is in it, so that
 * writing it again gives the same file. Memory is the limit plus a piece of the source.
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../io/file-sink.ts';
import { targetError } from '../io/system-errors.ts';
import { openPartial, PARTIAL_ENDING } from './quarantine-folder.ts';
import type { QuarantinedRow } from './quarantined-row.ts';

export const MAX_INLINE_BYTES = 1024 * 1024;

type RawMembers = Pick<QuarantinedRow, 'raw' | 'rawEncoding' | 'rawExact' | 'rawFile' | 'rawBytes'>;

export class RawRecords {
  readonly #folder: string;
  readonly #prepare: () => Promise<void>;

  /** @param prepare makes the folder, which is needed only for large records */
  constructor(folder: string, prepare: () => Promise<void>) {
    this.#folder = folder;
    this.#prepare = prepare;
  }

  async store(raw: Uint8Array | AsyncIterable<Uint8Array>, exact: boolean): Promise<RawMembers> {
    const pieces: Buffer[] = [];
    let length = 0;
    const chunks = raw instanceof Uint8Array ? [raw] : raw;
    const iterator = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      // A chunk is the producer's until the next one: what is kept is copied.
      pieces.push(Buffer.from(next.value));
      length += next.value.length;
      if (length > MAX_INLINE_BYTES) return this.#spill(pieces, iterator, exact);
    }
    const bytes = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
    const encoding = isUtf8(bytes) ? 'utf-8' : 'base64';
    return { raw: bytes.toString(encoding), rawEncoding: encoding, rawExact: exact };
  }

  async #spill(first: readonly Buffer[], rest: AsyncIterator<Uint8Array> | Iterator<Uint8Array>, exact: boolean): Promise<RawMembers> {
    const partial = join(this.#folder, 'incoming');
    try {
      await this.#prepare();
      const file = await openPartial(partial);
      const hash = createHash('sha256');
      let length = 0;
      try {
        for (const piece of first) {
          hash.update(piece);
          await file.appendFile(piece);
          length += piece.length;
        }
        for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
          hash.update(next.value);
          await file.appendFile(next.value);
          length += next.value.length;
        }
        await file.sync();
      } finally {
        await file.close();
      }
      const name = hash.digest('hex');
      await rename(partial + PARTIAL_ENDING, join(this.#folder, name));
      await syncFolder(this.#folder);
      return { raw: null, rawEncoding: 'base64', rawExact: exact, rawFile: `records/${name}`, rawBytes: length };
    } catch (error) {
      await rm(partial + PARTIAL_ENDING, { force: true });
      throw targetError(error, partial);
    }
  }
}
