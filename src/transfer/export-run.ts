import { runOrdered, type OrderedTask } from '../pipeline/ordered-pipeline.ts';
import { assertBalanced, type TableReceipt } from '../pipeline/receipt.ts';
import type { RunContext } from '../pipeline/run-context.ts';
import { TableMeter } from '../pipeline/table-meter.ts';
import type { PartStream } from '../rows/part.ts';
import { receiptOf, type ExportDocument, type ExportTable } from './export-document.ts';

/**
 * Writes documents from tables: parts are read and encoded by all jobs at once and written in order, document after document, so
 * that a run has the same bytes for any number of jobs. Documents are completed (flushed, synced) as they end, and
 * made visible only by the caller, when every receipt balances.
 */
export class ExportRun {
  readonly #documents: readonly ExportDocument[];
  readonly #context: RunContext;

  constructor(documents: readonly ExportDocument[], context: RunContext) {
    this.#documents = documents;
    this.#context = context;
  }

  async move(): Promise<TableReceipt[]> {
    const { jobs, partBytes, signal } = this.#context;
    for (const document of this.#documents) {
      for (const table of document.tables) if (table.encoding.kind === 'file') await this.#writeByEngine(document, table);
    }
    // A part's bytes differ from its estimate (wide rows, another format): room for twice the aim, for each job and one that waits for its turn.
    const readAhead = Math.max((jobs + 1) * partBytes * 2, ...this.#documents.flatMap(({ writer, tables }) => tables.map(({ encoding }) => writer.readAheadBytes?.(encoding.kind) ?? 0)));
    await runOrdered(this.#tasks(), jobs, readAhead, signal);
    const receipts = this.#documents.flatMap((document) => document.tables.map(receiptOf));
    for (const receipt of receipts) assertBalanced(receipt);
    return receipts;
  }

  async #writeByEngine(document: ExportDocument, table: ExportTable): Promise<void> {
    this.#begin(table);
    const { read, written } = await table.reader.writeFile!(table.native!, this.#context.signal);
    Object.assign(table.counts, { read, written, bytes: document.sink.bytesWritten });
    table.meter!.addRows(written);
    table.meter!.done();
  }

  async *#tasks(): AsyncGenerator<OrderedTask, void, undefined> {
    for (const document of this.#documents) {
      for (const table of document.tables) {
        if (table.encoding.kind === 'file') continue;
        yield edge(() => this.#beginTable(document, table));
        const { partBytes, signal } = this.#context;
        for await (const part of table.reader.parts(table.encoding, { partBytes, arrays: table.arrays, signal })) {
          yield this.#partTask(document, table, part);
        }
        yield edge(() => this.#endTable(document, table));
      }
      yield edge(() => document.writer.finish());
    }
  }

  #partTask(document: ExportDocument, table: ExportTable, part: PartStream): OrderedTask {
    let rows = 0;
    return {
      encode: () => {
        table.meter?.part(part.part.index, 'moving');
        return document.writer.encodePart(table.reader.schema, part, (count) => { rows = count; });
      },
      write: async (chunk, first) => {
        table.meter!.addBytes(chunk.length);
        await document.writer.writeEncoded(chunk, first);
      },
      done: async () => {
        const counts = part.counts();
        table.counts.read += counts.read;
        table.counts.skipped += counts.skipped;
        table.counts.bytes += counts.bytes;
        table.counts.written += rows;
        table.meter!.addRows(rows);
        table.meter!.part(part.part.index, 'done');
      },
    };
  }

  async #beginTable(document: ExportDocument, table: ExportTable): Promise<void> {
    this.#begin(table);
    const { reader } = table;
    const wanted = document.writer.wantsMeasured?.(table.encoding.kind) ?? [];
    const schema = wanted.length > 0 ? await reader.measuredSchema?.(wanted, this.#context.signal) : undefined;
    await document.writer.beginTable(schema ?? reader.schema);
  }

  async #endTable(document: ExportDocument, table: ExportTable): Promise<void> {
    await document.writer.endTable();
    table.meter!.done();
  }

  #begin(table: ExportTable): void {
    const rows = table.reader.schema.estimatedRows;
    table.meter = new TableMeter(table.name, { ...(rows === undefined || rows <= 0 ? {} : { rows }), exact: false }, this.#context.progress);
  }
}

/** A task without bytes of its own: something to do in the document at this place of the order. */
function edge(done: () => Promise<void>): OrderedTask {
  return {
    async *encode() { /* no bytes */ },
    write: async () => undefined,
    done,
  };
}
