import { SluiceError } from '../../errors/sluice-error.ts';
import type { ByteSink } from '../../io/byte-sink.ts';
import { displayName, type TableSchema } from '../../rows/table-schema.ts';
import { RecordWriter } from '../json/record-writer.ts';

/** Writes one object a line. A document has one table: lines do not say which table they belong to. */
export class NdjsonWriter extends RecordWriter {
  #tables = 0;

  constructor(sink: ByteSink) {
    super(sink, '', '\n');
  }

  async beginTable(table: TableSchema): Promise<void> {
    if (this.#tables++ > 0) throw new SluiceError('OPTION_UNSUPPORTED', { option: 'More than one table', context: 'in one NDJSON file' }, { table: displayName(table) });
  }

  async writeEncoded(chunk: Uint8Array): Promise<void> {
    await this.sink.write(chunk);
  }

  async endTable(): Promise<void> {}

  async finish(): Promise<void> {}
}
