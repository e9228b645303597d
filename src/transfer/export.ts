import type { Connection, NativeFileTarget, ReadTableRequest, TableReader, TablesReader } from '../connectors/connector.ts';
import { connectorFor } from '../connectors/registry.ts';
import type { FormatWriter, WriteOptions } from '../formats/format.ts';
import { loadFormat } from '../formats/registry.ts';
import type { ByteSink } from '../io/byte-sink.ts';
import { openFolderSink, type FolderSink } from '../io/folder-sink.ts';
import { openSink, type OpenSinkOptions } from '../io/open-sink.ts';
import { negotiate } from '../pipeline/negotiate.ts';
import type { RunContext } from '../pipeline/run-context.ts';
import { typeName } from '../rows/column-type.ts';
import { describeEncoding } from '../rows/row-encoding.ts';
import { displayName } from '../rows/table-schema.ts';
import type { ExportDocument, ExportTable } from './export-document.ts';
import { ExportRun } from './export-run.ts';
import { fileOfTable, layoutOf, type ExportLayout } from './export-target.ts';
import { requestsFor } from './read-requests.ts';
import type { PlannedTable, Transfer, TransferPlan, TransferResult } from '../pipeline/transfer.ts';
import type { ExportOptions } from './transfer.ts';

/**
 * Prepares the export of tables or a query into files: opens one consistent read of everything, decides format and lane. Files appear
 * under their names only when all of them are complete and every receipt balances.
 * @throws SluiceError of connectors, formats and sinks
 */
export async function planExport(options: ExportOptions, context: RunContext): Promise<Transfer> {
  context.progress({ type: 'phase', phase: 'planning', at: Date.now() });
  const connector = await connectorFor(options.from);
  const connection = await connector.connect(options.from, {
    signal: context.signal, jobs: context.jobs, engineMemoryBytes: context.engineMemoryBytes,
    applicationName: `sluice export ${context.run}`, create: false, env: context.env,
  });
  let reader: TablesReader | undefined;
  try {
    const requests: ReadTableRequest[] = await requestsFor(connection, options);
    const layout = await layoutOf(options, requests.length);
    reader = await connection.openReader(requests);
    return await ExportTransfer.prepare(options, layout, connection, reader, context);
  } catch (error) {
    await reader?.close();
    await connection.close();
    throw error;
  }
}

class ExportTransfer implements Transfer {
  readonly plan: TransferPlan;
  readonly #options: ExportOptions;
  readonly #layout: ExportLayout;
  readonly #connection: Connection;
  readonly #reader: TablesReader;
  readonly #context: RunContext;

  private constructor(options: ExportOptions, layout: ExportLayout, connection: Connection, reader: TablesReader, tables: PlannedTable[], context: RunContext) {
    this.#options = options;
    this.#layout = layout;
    this.#connection = connection;
    this.#reader = reader;
    this.#context = context;
    this.plan = { version: 1, job: 'export', from: connection.name, to: layout.path, jobs: context.jobs, tables, notes: [] };
  }

  static async prepare(options: ExportOptions, layout: ExportLayout, connection: Connection, reader: TablesReader, context: RunContext): Promise<ExportTransfer> {
    const tables = reader.tables.map((table) => plannedTable(table, layout, connection, context));
    return new ExportTransfer(options, layout, connection, reader, tables, context);
  }

  async run(): Promise<TransferResult> {
    const folder = this.#layout.kind === 'folder' ? await openFolderSink(this.#layout.path, this.#sinkOptions()) : undefined;
    const documents: ExportDocument[] = [];
    try {
      documents.push(...await this.#openDocuments(folder));
      this.#context.progress({ type: 'phase', phase: 'moving', at: Date.now() });
      const receipts = await new ExportRun(documents, this.#context).move();
      this.#context.progress({ type: 'phase', phase: 'publishing', at: Date.now() });
      if (folder !== undefined) await folder.publish();
      else for (const document of documents) await document.sink.publish();
      return { tables: receipts, warnings: [] };
    } catch (error) {
      for (const document of documents) await document.writer.abort();
      for (const document of documents) await document.sink.abort();
      await folder?.abort();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#reader.close();
    await this.#connection.close();
  }

  async #openDocuments(folder: FolderSink | undefined): Promise<ExportDocument[]> {
    const format = await loadFormat(this.#layout.format);
    const documents: ExportDocument[] = [];
    const groups = folder === undefined ? [this.#reader.tables] : this.#reader.tables.map((table) => [table]);
    for (const readers of groups) {
      const sink = folder === undefined
        ? await openSink(this.#layout.path, this.#sinkOptions())
        : await folder.createFile(fileOfTable(this.#layout, displayName(readers[0].schema)), this.#encoding());
      const writer = format.openWriter(sink, this.#writeOptions(readers.length > 1));
      documents.push({ sink, writer, tables: readers.map((reader) => this.#exportTable(reader, writer, sink)) });
    }
    return documents;
  }

  #exportTable(reader: TableReader, writer: FormatWriter, sink: ByteSink): ExportTable {
    const name = displayName(reader.schema);
    const counts = { read: 0, written: 0, skipped: 0, bytes: 0 };
    const native = this.#nativeTarget(reader, sink);
    if (native !== undefined) return { name, reader, encoding: { kind: 'file' }, native, arrays: 'json', counts };
    const arrays = arraysFor(this.#layout, this.#connection);
    const accepted = writer.accepts(reader.schema, reader.measuredSchema !== undefined);
    const encoding = negotiate(reader.encodings(arrays), (offered) => offered.kind !== 'file' && accepted.includes(offered.kind), name);
    return { name, reader, encoding, arrays, counts };
  }

  /** The database's own engine writes the file when it can: DuckDB to CSV and Parquet, uncompressed or compressed inside. */
  #nativeTarget(reader: TableReader, sink: ByteSink): NativeFileTarget | undefined {
    const { format, compression } = this.#layout;
    if (reader.writeFile === undefined || sink.partialPath === undefined) return undefined;
    if (!reader.encodings('json').some((encoding) => encoding.kind === 'file')) return undefined;
    if (format === 'parquet') return { path: sink.partialPath, format, compression: parquetCompression(compression) };
    if (format !== 'csv' || compression !== 'none') return undefined;
    const { delimiter, header } = this.#csvOptions();
    return { path: sink.partialPath, format, compression: 'none', csv: { delimiter, header } };
  }

  #csvOptions(): { delimiter: string; header: boolean } {
    const tabs = /\.(tsv|tab)(\.|$)/i.test(this.#layout.path);
    return { delimiter: this.#options.csv?.delimiter ?? (tabs ? '\t' : ','), header: this.#options.csv?.header ?? true };
  }

  #writeOptions(multipleTables: boolean): WriteOptions {
    return {
      csv: this.#csvOptions(),
      sql: { dialect: this.#connection.kind, schema: true },
      multipleTables,
      engineMemoryBytes: this.#context.engineMemoryBytes,
      compression: parquetCompression(this.#layout.compression),
    };
  }

  #encoding(): Pick<OpenSinkOptions, 'level'> & { compression: 'none' | 'gzip' | 'zstd' } {
    const { compression, level, format } = this.#layout;
    return { compression: format === 'parquet' ? 'none' : compression, level };
  }

  #sinkOptions(): OpenSinkOptions {
    const { run, signal } = this.#context;
    const stdout = this.#layout.kind === 'stdout' ? { stdout: this.#context.stdout } : {};
    return { ...this.#encoding(), overwrite: this.#options.overwrite, run, signal, ...stdout };
  }
}

/** Server-made CSV keeps PostgreSQL's own array text, as psql has it; formats with a notion of arrays get JSON. */
function arraysFor(layout: ExportLayout, connection: Connection): 'postgres' | 'json' {
  if (layout.format === 'sql') return connection.kind === 'postgres' ? 'postgres' : 'json';
  return layout.format === 'csv' && connection.kind === 'postgres' ? 'postgres' : 'json';
}

/** Parquet without a word about compression is written with zstd: smaller than snappy at nearly its speed. */
function parquetCompression(compression: 'none' | 'gzip' | 'zstd'): 'gzip' | 'zstd' {
  return compression === 'gzip' ? 'gzip' : 'zstd';
}

function plannedTable(reader: TableReader, layout: ExportLayout, connection: Connection, context: RunContext): PlannedTable {
  const name = displayName(reader.schema);
  const { estimatedRows, estimatedBytes } = reader.schema;
  return {
    name,
    from: [name],
    format: layout.format,
    encoding: reader.encodings(arraysFor(layout, connection)).map(describeEncoding).join(' or '),
    publication: layout.kind === 'stdout' ? 'streamed' : 'written beside and renamed when all is complete',
    columns: reader.schema.columns.map((column) => ({ name: column.name, type: column.nativeType ?? typeName(column.type) })),
    parts: { rule: 'page ranges, written in order', bytes: context.partBytes },
    expected: { ...(estimatedRows === undefined ? {} : { rows: estimatedRows }), ...(estimatedBytes === undefined ? {} : { bytes: estimatedBytes }) },
    statements: [],
  };
}

