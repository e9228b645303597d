/**
 * Writes a table as one Parquet file from PostgreSQL's binary rows, without the engine: rows are taken apart in batches (row-batch.ts), each column encodes
 * its fields in a loop of its own (column-encoder.ts), and a row group is written when it has its rows or its bytes. The file is streamed; its footer comes last.
 *
 * The bytes of the file depend on the rows alone. Memory: a row group, compressed except for the last page of each column; and of the footer, which no
 * Parquet file is without, some 100 bytes for each column of each row group.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ByteSink } from '../../io/byte-sink.ts';
import type { CopyBinaryEncoding } from '../../rows/row-encoding.ts';
import { displayName, type Column, type TableSchema } from '../../rows/table-schema.ts';
import type { ColumnEncoder, ColumnPlace } from './column-encoder.ts';
import { BooleanColumn, FloatColumn, Int32Column, Int64Column, TimestampColumn, UuidColumn } from './number-columns.ts';
import { DecimalColumn, numericText } from './numeric-columns.ts';
import type { PageCodec } from './page-codec.ts';
import { RowBatches } from './row-batch.ts';
import { storedType, writeSchemaElement } from './stored-type.ts';
import { RenderedColumn, TextColumn } from './text-columns.ts';
import { THRIFT_STRUCT, ThriftWriter } from './thrift-writer.ts';

const MARK = Buffer.from('PAR1');
const FORMAT_VERSION = 1;
const CREATED_BY = 'sluice';

const GROUP_ROWS = 122_880;
/** What a row group may hold in memory. */
const GROUP_BYTES = 16 * 1024 * 1024;

export class ByteLane {
  readonly #table: TableSchema;
  readonly #sink: ByteSink;
  readonly #batches: RowBatches;
  readonly #columns: readonly ColumnEncoder[];
  /** The row groups written so far, as they stand in the footer. */
  readonly #groups = new ThriftWriter();
  #groupCount = 0;
  #offset = 0;
  #rows = 0;
  #groupRows = 0;

  constructor(table: TableSchema, { types }: CopyBinaryEncoding, codec: PageCodec, sink: ByteSink) {
    this.#table = table;
    this.#sink = sink;
    this.#batches = new RowBatches(table.columns.length, displayName(table));
    this.#columns = table.columns.map((column, i) => columnEncoder(column, types[i], { table: displayName(table), column: column.name }, codec));
  }

  async write(chunk: Uint8Array, first: boolean): Promise<void> {
    this.#batches.append(chunk, first);
    while (this.#batches.next()) await this.#takeBatch();
  }

  /** @returns the rows in the file, as they were taken apart */
  async end(): Promise<number> {
    if (this.#batches.last()) await this.#takeBatch();
    await this.#endGroup();
    if (this.#offset === 0) await this.#put(MARK);
    const footer = this.#footer();
    const length = Buffer.alloc(4);
    length.writeUInt32LE(footer.length);
    for (const piece of [footer, length, MARK]) await this.#put(piece);
    return this.#rows;
  }

  async #takeBatch(): Promise<void> {
    let held = 0;
    for (let i = 0; i < this.#columns.length; i++) {
      const column = this.#columns[i];
      column.append(this.#batches, i);
      held += column.heldBytes;
    }
    this.#rows += this.#batches.rows;
    this.#groupRows += this.#batches.rows;
    if (this.#groupRows >= GROUP_ROWS || held >= GROUP_BYTES) await this.#endGroup();
  }

  async #endGroup(): Promise<void> {
    if (this.#groupRows === 0) return;
    if (this.#offset === 0) await this.#put(MARK);
    const footer = new ThriftWriter();
    const start = this.#offset;
    let plain = 0;
    footer.list(1, THRIFT_STRUCT, this.#columns.length);
    for (const column of this.#columns) {
      const sizes = await column.flush(this.#sink, this.#offset, footer);
      this.#offset += sizes.written;
      plain += sizes.plain;
    }
    footer.i64(2, plain);
    footer.i64(3, this.#groupRows);
    footer.i64(5, start);
    footer.i64(6, this.#offset - start);
    footer.stop();
    this.#groups.raw(footer.bytes());
    this.#groupCount++;
    this.#groupRows = 0;
  }

  #footer(): Uint8Array {
    const thrift = new ThriftWriter();
    const { columns } = this.#table;
    thrift.i32(1, FORMAT_VERSION);
    thrift.list(2, THRIFT_STRUCT, columns.length + 1);
    thrift.element(() => {
      thrift.binary(4, 'schema');
      thrift.i32(5, columns.length);
    });
    for (const { name, type } of columns) writeSchemaElement(thrift, name, storedType(type)!);
    thrift.i64(3, this.#rows);
    thrift.list(4, THRIFT_STRUCT, this.#groupCount);
    thrift.raw(this.#groups.bytes());
    thrift.binary(6, CREATED_BY);
    // Bounds are ordered as the column's type says.
    thrift.list(7, THRIFT_STRUCT, columns.length);
    for (let i = 0; i < columns.length; i++) thrift.element(() => thrift.struct(1, () => undefined));
    thrift.stop();
    return thrift.bytes();
  }

  async #put(bytes: Uint8Array): Promise<void> {
    await this.#sink.write(bytes);
    this.#offset += bytes.length;
  }
}

function columnEncoder({ type }: Column, binaryType: string, place: ColumnPlace, codec: PageCodec): ColumnEncoder {
  const stored = storedType(type);
  switch (stored === undefined ? undefined : type.kind) {
    case 'boolean': return new BooleanColumn(place, stored!, codec);
    case 'integer': return type.kind === 'integer' && type.bits === 64 ? new Int64Column(place, stored!, codec) : new Int32Column(place, stored!, codec, false);
    case 'date': return new Int32Column(place, stored!, codec, true);
    case 'time': return new Int64Column(place, stored!, codec);
    case 'timestamp': return new TimestampColumn(place, stored!, codec);
    case 'float': return new FloatColumn(place, stored!, codec);
    case 'uuid': return new UuidColumn(place, stored!, codec);
    case 'numeric': return new DecimalColumn(place, stored!, codec);
    case 'bytes': return new TextColumn(place, stored!, codec, { isText: false, prefixBytes: 0 });
    case 'json': return new TextColumn(place, stored!, codec, { isText: true, prefixBytes: binaryType === 'jsonb' ? 1 : 0 });
    case 'text':
      // A numeric that no DECIMAL holds is text.
      if (binaryType === 'numeric') return new RenderedColumn(place, stored!, codec, numericText);
      if (binaryType === '"char"') return new RenderedColumn(place, stored!, codec, oneByteText);
      return new TextColumn(place, stored!, codec, { isText: true, prefixBytes: 0 });
    default: throw new SluiceError('INTERNAL', { reason: `${binaryType} cannot be encoded as Parquet` }, place);
  }
}

/** PostgreSQL's type of one byte: zero is the empty text, what is no ASCII an octal number. */
function oneByteText(view: DataView, start: number): string {
  const byte = view.getUint8(start);
  if (byte === 0) return '';
  return byte < 0x80 ? String.fromCharCode(byte) : `\\${byte.toString(8)}`;
}
