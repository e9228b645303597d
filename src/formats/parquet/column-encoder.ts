/**
 * One column of a row group on its way into the file: values are appended to a page, full pages are compressed and kept until the group
 * is complete, because a column's pages stand together in the file. What a value is, is the business of the classes that extend this one.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ByteSink } from '../../io/byte-sink.ts';
import { GrowingBytes, release } from './growing-bytes.ts';
import { DefinitionLevels } from './levels.ts';
import { OUTPUT_BYTES, type PageCodec } from './page-codec.ts';
import type { RowBatches } from './row-batch.ts';
import type { StoredType } from './stored-type.ts';
import { THRIFT_BINARY, THRIFT_I32, ThriftWriter } from './thrift-writer.ts';

const ENCODING = { plain: 0, rle: 3, dictionary: 8 } as const;
const PAGE_TYPE = { data: 0, dictionary: 2 } as const;

/** Before compression. Large enough to compress well, small enough for hundreds of columns. */
const PAGE_BYTES = 256 * 1024;
const FIRST_PAGE_BYTES = 4096;
/** The page that is being compressed; one at a time, whatever the column. */
const CONTENT = new GrowingBytes(PAGE_BYTES);

export interface ColumnPlace {
  readonly table: string;
  readonly column: string;
}

/** Values as they are stored, for readers that skip row groups. */
export interface ValueRange {
  readonly least: Uint8Array;
  readonly greatest: Uint8Array;
}

export abstract class ColumnEncoder {
  protected readonly values = new GrowingBytes(FIRST_PAGE_BYTES);
  protected readonly place: ColumnPlace;
  readonly #name: string;
  readonly #type: StoredType;
  readonly #codec: PageCodec;
  readonly #levels = new DefinitionLevels();
  #pages: Buffer[] = [];
  #pageBytes = 0;
  #plainBytes = 0;
  #rows = 0;
  #nulls = 0;
  #usesDictionary = false;
  #usesPlain = false;

  constructor(place: ColumnPlace, type: StoredType, codec: PageCodec) {
    this.place = place;
    this.#name = place.column;
    this.#type = type;
    this.#codec = codec;
  }

  /** Memory that the row group takes so far. */
  get heldBytes(): number {
    return this.#pageBytes + this.pendingBytes();
  }

  append(batch: RowBatches, column: number): void {
    const first = column * batch.stride;
    this.#levels.append(batch.lengths, first, batch.rows);
    this.appendValues(batch, first, first + batch.rows);
    if (this.pendingBytes() >= PAGE_BYTES) this.#endPage();
  }

  /** Writes the column's pages to the sink and its description to the footer, and begins anew. @returns bytes written, and before compression */
  async flush(sink: ByteSink, offset: number, footer: ThriftWriter): Promise<{ written: number; plain: number }> {
    this.#endPage();
    const dictionary = this.#dictionaryPage();
    let written = 0;
    const dictionaryBytes = dictionary?.length;
    for (const page of dictionary === undefined ? this.#pages : [dictionary, ...this.#pages]) {
      written += page.length;
      await sink.write(page);
      release(page);
    }
    const sizes = { written, plain: this.#plainBytes };
    footer.element(() => {
      footer.i64(2, offset);
      footer.struct(3, () => this.#writeMetadata(footer, offset, dictionaryBytes, sizes));
    });
    this.#restart();
    return sizes;
  }

  /** Fields `first` to `last` of the batch; NULLs have a negative length. */
  protected abstract appendValues(batch: RowBatches, first: number, last: number): void;
  /** Of the values since the last row group; undefined when unknown. */
  protected abstract range(): ValueRange | undefined;
  protected abstract restartRange(): void;

  /** Bytes of the page that is being filled. */
  protected pendingBytes(): number {
    return this.values.used;
  }

  /** The values of the page, and whether they are positions in the dictionary. */
  protected pageValues(): { bytes: Uint8Array; isDictionary: boolean } {
    return { bytes: this.values.filled(), isDictionary: false };
  }

  protected clearPage(): void {
    this.values.clear();
  }

  /** The distinct values, plain; undefined when no page refers to them. */
  protected dictionary(): { bytes: Uint8Array; count: number } | undefined {
    return undefined;
  }

  /** `value` is made only for the message. */
  protected refuse(value: string, as = 'Parquet value'): never {
    const { table, column } = this.place;
    throw new SluiceError('VALUE_INVALID', { column, table, reason: `"${value}" cannot be stored as ${as} without loss` }, { table, column });
  }

  protected wrongLength(length: number): never {
    const { table, column } = this.place;
    throw new SluiceError('INTERNAL', { reason: `a value of ${length} bytes for column "${column}" of ${table}` }, { table, column });
  }

  #endPage(): void {
    const { rows, nulls } = this.#levels;
    if (rows === 0) return;
    const { bytes, isDictionary } = this.pageValues();
    const levels = this.#levels.encoded();
    CONTENT.clear();
    CONTENT.reserve(levels.length + bytes.length);
    CONTENT.bytes.set(levels);
    CONTENT.bytes.set(bytes, levels.length);
    CONTENT.used = levels.length + bytes.length;
    const content = CONTENT.filled();
    const page = this.#page(PAGE_TYPE.data, content, (thrift) => thrift.struct(5, () => {
      thrift.i32(1, rows);
      thrift.i32(2, isDictionary ? ENCODING.dictionary : ENCODING.plain);
      thrift.i32(3, ENCODING.rle);
      thrift.i32(4, ENCODING.rle);
    }));
    this.#pages.push(page);
    this.#pageBytes += page.length;
    if (isDictionary) this.#usesDictionary = true;
    else this.#usesPlain = true;
    this.#rows += rows;
    this.#nulls += nulls;
    this.#levels.clear();
    this.clearPage();
  }

  #dictionaryPage(): Buffer | undefined {
    const dictionary = this.#usesDictionary ? this.dictionary() : undefined;
    if (dictionary === undefined) return undefined;
    return this.#page(PAGE_TYPE.dictionary, Buffer.from(dictionary.bytes), (thrift) => thrift.struct(7, () => {
      thrift.i32(1, dictionary.count);
      thrift.i32(2, ENCODING.plain);
    }));
  }

  #page(type: number, content: Buffer, describe: (thrift: ThriftWriter) => void): Buffer {
    const compressed = this.#codec.compress(content);
    const thrift = new ThriftWriter();
    thrift.i32(1, type);
    thrift.i32(2, content.length);
    thrift.i32(3, compressed.length);
    describe(thrift);
    thrift.stop();
    const header = thrift.bytes();
    this.#plainBytes += header.length + content.length;
    const page = Buffer.allocUnsafeSlow(header.length + compressed.length);
    page.set(header);
    page.set(compressed, header.length);
    // What zlib hands out is larger than what it filled, unless it is small and of the common pool.
    if (compressed !== content && compressed.buffer.byteLength >= OUTPUT_BYTES) release(compressed);
    return page;
  }

  #writeMetadata(thrift: ThriftWriter, offset: number, dictionaryBytes: number | undefined, { written, plain }: { written: number; plain: number }): void {
    const encodings = [ENCODING.rle, ...(this.#usesPlain || dictionaryBytes !== undefined ? [ENCODING.plain] : []), ...(dictionaryBytes === undefined ? [] : [ENCODING.dictionary])];
    thrift.i32(1, this.#type.physical);
    thrift.list(2, THRIFT_I32, encodings.length);
    for (const encoding of encodings) thrift.number(encoding);
    thrift.list(3, THRIFT_BINARY, 1);
    thrift.text(this.#name);
    thrift.i32(4, this.#codec.id);
    thrift.i64(5, this.#rows);
    thrift.i64(6, plain);
    thrift.i64(7, written);
    thrift.i64(9, offset + (dictionaryBytes ?? 0));
    if (dictionaryBytes !== undefined) thrift.i64(11, offset);
    const range = this.#nulls === this.#rows ? undefined : this.range();
    thrift.struct(12, () => {
      thrift.i64(3, this.#nulls);
      if (range === undefined) return;
      thrift.binary(5, range.greatest);
      thrift.binary(6, range.least);
    });
  }

  #restart(): void {
    this.#pages = [];
    this.#pageBytes = 0;
    this.#plainBytes = 0;
    this.#rows = 0;
    this.#nulls = 0;
    this.#usesDictionary = false;
    this.#usesPlain = false;
    this.restartRange();
  }
}
