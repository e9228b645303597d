import type { ByteSink } from '../../io/byte-sink.ts';
import { copyTextBlocks } from '../../rows/copy-text-reader.ts';
import type { PartStream } from '../../rows/part.ts';
import type { RowEncoding } from '../../rows/row-encoding.ts';
import type { TableSchema } from '../../rows/table-schema.ts';
import type { FormatWriter, WriteOptions } from '../format.ts';
import { insertHead, prologue, schemaStatements, epilogue, tableEnd } from './ddl.ts';
import { InsertEncoder } from './insert-encoder.ts';

type SqlOptions = NonNullable<WriteOptions['sql']>;

/**
 * Writes a script that creates tables and fills them with multi-row INSERT statements, for psql or the DuckDB shell. Everything is one
 * transaction: a script that was cut off loads nothing.
 *
 * Every statement begins and ends within one part, so that parts are encoded without knowing of each other.
 */
export class SqlWriter implements FormatWriter {
  readonly #sink: ByteSink;
  readonly #options: SqlOptions;
  readonly #schemas = new Set<string>();
  #begun = false;
  #table: TableSchema | undefined;

  constructor(sink: ByteSink, options: WriteOptions) {
    this.#sink = sink;
    this.#options = options.sql ?? { dialect: 'postgres', schema: true };
  }

  accepts(): readonly RowEncoding['kind'][] {
    return ['copy-text'];
  }

  async beginTable(table: TableSchema): Promise<void> {
    await this.#begin();
    this.#table = table;
    await this.#write(this.#options.schema ? schemaStatements(table, this.#options.dialect, this.#schemas) : '\n');
  }

  async *encodePart(table: TableSchema, part: PartStream, written: (rows: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
    const encoder = new InsertEncoder(table, this.#options.dialect, insertHead(table, this.#options), this.#options.schema);
    for await (const block of copyTextBlocks(part.chunks)) {
      for (let at = 0; at < block.length;) {
        at = encoder.encode(block, at);
        if (encoder.isFull) yield encoder.take();
      }
    }
    encoder.finish();
    const rest = encoder.take();
    if (rest.length > 0) yield rest;
    written(encoder.rows);
  }

  async writeEncoded(chunk: Uint8Array): Promise<void> {
    await this.#sink.write(chunk);
  }

  async endTable(): Promise<void> {
    const table = this.#table!;
    this.#table = undefined;
    await this.#write(tableEnd(table, this.#options));
  }

  async finish(): Promise<void> {
    await this.#begin();
    await this.#write(epilogue());
    await this.#sink.finish();
  }

  async abort(): Promise<void> {
    await this.#sink.abort();
  }

  async #begin(): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    await this.#write(prologue(this.#options.dialect));
  }

  async #write(text: string): Promise<void> {
    if (text !== '') await this.#sink.write(Buffer.from(text));
  }
}
