/**
 * Writes one JSON document: an array with an object a line, or (several tables) an object with such an array under each table's name.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ByteSink } from '../../io/byte-sink.ts';
import { displayName, type TableSchema } from '../../rows/table-schema.ts';
import { RecordWriter } from './record-writer.ts';

/** Stands before every object of an encoded part; the first of a table loses its comma. */
const BEFORE = ',\n';

export class JsonWriter extends RecordWriter {
  readonly #multipleTables: boolean;
  #tables = 0;
  #tableHasRows = false;

  constructor(sink: ByteSink, multipleTables: boolean) {
    super(sink, BEFORE, '');
    this.#multipleTables = multipleTables;
  }

  async beginTable(table: TableSchema): Promise<void> {
    if (!this.#multipleTables && this.#tables > 0) throw new SluiceError('INTERNAL', { reason: 'a second table in a JSON array' }, { table: displayName(table) });
    const name = this.#multipleTables ? `${this.#tables === 0 ? '{' : ',\n'}${JSON.stringify(displayName(table))}:` : '';
    this.#tables++;
    this.#tableHasRows = false;
    await this.#write(`${name}[`);
  }

  async writeEncoded(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    await this.sink.write(this.#tableHasRows ? chunk : chunk.subarray(1));
    this.#tableHasRows = true;
  }

  async endTable(): Promise<void> {
    await this.#write(this.#tableHasRows ? '\n]' : ']');
  }

  async finish(): Promise<void> {
    if (!this.#multipleTables) await this.#write(this.#tables === 0 ? '[]\n' : '\n');
    else await this.#write(this.#tables === 0 ? '{}\n' : '}\n');
  }

  async #write(text: string): Promise<void> {
    await this.sink.write(Buffer.from(text));
  }
}
