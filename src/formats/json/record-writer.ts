/** What the writers of JSON and NDJSON have in common: parts of records become bytes of objects. */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ByteSink } from '../../io/byte-sink.ts';
import { copyTextBlocks } from '../../rows/copy-text-reader.ts';
import type { PartStream } from '../../rows/part.ts';
import type { RowEncoding } from '../../rows/row-encoding.ts';
import { displayName, type TableSchema } from '../../rows/table-schema.ts';
import type { FormatWriter } from '../format.ts';
import { RecordEncoder } from './record-encoder.ts';

export abstract class RecordWriter implements FormatWriter {
  protected readonly sink: ByteSink;
  readonly #before: string;
  readonly #after: string;
  /** Encoders of the current table that no part is using. */
  readonly #idle: { table: TableSchema; encoder: RecordEncoder }[] = [];

  /** @param before what stands before each object in encoded parts, @param after behind it */
  constructor(sink: ByteSink, before: string, after: string) {
    this.sink = sink;
    this.#before = before;
    this.#after = after;
  }

  abstract beginTable(table: TableSchema): Promise<void>;
  abstract writeEncoded(chunk: Uint8Array, first: boolean): Promise<void>;
  abstract endTable(): Promise<void>;
  abstract finish(): Promise<void>;

  accepts(): readonly RowEncoding['kind'][] {
    return ['copy-text'];
  }

  async *encodePart(table: TableSchema, part: PartStream, written: (rows: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
    if (part.encoding.kind !== 'copy-text') throw new SluiceError('INTERNAL', { reason: `JSON cannot be made of ${part.encoding.kind}` }, { table: displayName(table) });
    const encoder = this.#encoder(table);
    for await (const block of copyTextBlocks(part.chunks)) {
      for (let at = encoder.encode(block, 0); at < block.length; at = encoder.encode(block, at)) {
        yield encoder.out.subarray(0, encoder.length);
        encoder.length = 0;
      }
    }
    if (encoder.length > 0) yield encoder.out.subarray(0, encoder.length);
    written(encoder.rows);
    this.#idle.push({ table, encoder });
  }

  async abort(): Promise<void> {
    this.#idle.length = 0;
    await this.sink.abort();
  }

  #encoder(table: TableSchema): RecordEncoder {
    const idle = this.#idle.pop();
    if (idle === undefined || idle.table !== table) return new RecordEncoder(table, this.#before, this.#after);
    idle.encoder.length = 0;
    idle.encoder.rows = 0;
    return idle.encoder;
  }
}
