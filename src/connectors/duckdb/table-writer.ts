import { SluiceError, toSluiceError } from '../../errors/sluice-error.ts';
import type { EngineConnection } from '../../engine/engine-connection.ts';
import { VARCHAR } from '../../engine/engine-type.ts';
import { feed } from '../../engine/feed.ts';
import { canLoad } from '../../engine/load-select.ts';
import { quoteString } from '../../engine/quoting.ts';
import { canReadText, textRelation } from '../../engine/text-relation.ts';
import { createFifo } from '../../io/fifo.ts';
import type { NativeFile, PartStream } from '../../rows/part.ts';
import type { RowEncoding } from '../../rows/row-encoding.ts';
import type { LoadTablePlan, PartWriter, TableLoad } from '../connector.ts';
import type { DuckdbLoadSession } from './load-session.ts';
import type { LoadingTable, RowSource } from './table-load.ts';

export class DuckdbTableLoad implements TableLoad {
  readonly plan: LoadTablePlan;
  readonly arrays = 'json';
  readonly #session: DuckdbLoadSession;
  readonly #table: LoadingTable;

  constructor(session: DuckdbLoadSession, table: LoadingTable) {
    this.plan = table.plan;
    this.#session = session;
    this.#table = table;
  }

  accepts(encoding: RowEncoding): boolean {
    if (encoding.kind === 'file') return true;
    return this.#table.takesText && canReadText(encoding, this.plan.columns.length);
  }

  async openWriter(): Promise<PartWriter> {
    return new DuckdbPartWriter(this.#session, this.#table);
  }
}

class DuckdbPartWriter implements PartWriter {
  readonly #session: DuckdbLoadSession;
  readonly #table: LoadingTable;

  constructor(session: DuckdbLoadSession, table: LoadingTable) {
    this.#session = session;
    this.#table = table;
  }

  async write(part: PartStream, progress: (bytes: number) => void): Promise<{ written: number }> {
    const written = await this.#session.guarded(() => (part.encoding.kind === 'file' ? this.#writeFile(part, progress) : this.#writeStream(part, progress)));
    this.#table.inserted += written;
    this.#table.account(part.counts(), 0);
    return { written };
  }

  /** Nothing to release: the session owns the connection. */
  async close(): Promise<void> {
    await Promise.resolve();
  }

  async #writeStream(part: PartStream, progress: (bytes: number) => void): Promise<number> {
    const { connection, context } = this.#session;
    await this.#session.useThreads(1);
    await this.#table.prepareForText(connection);
    const types = this.#table.columns.map((column) => column.type!);
    const relationAt = (path: string): ReturnType<typeof textRelation> => textRelation(path, part.encoding, types, context.memoryLimitBytes);
    const { through } = relationAt('');
    try {
      return await feed({
        connection,
        statement: (path) => {
          const { relation, expressions } = relationAt(path);
          return this.#table.insertStatement({ relation, expressions, types: expressions.map(() => VARCHAR) }, true);
        },
        chunks: through(part.chunks),
        openPipe: createFifo,
        signal: context.signal,
        context: this.#session.runOptions(this.#table.plan.table),
        progress,
      });
    } catch (error) {
      throw placeInPart(toSluiceError(error), part);
    }
  }

  /** The engine reads the file while the source counts it on its own. */
  async #writeFile(part: PartStream, progress: (bytes: number) => void): Promise<number> {
    const file = part.file;
    if (file === undefined) throw new SluiceError('INTERNAL', { reason: 'a part in the file encoding names no file' });
    const counting = drain(part.chunks, progress);
    counting.catch(() => undefined); // awaited below, also when the engine fails first
    const loaded = await this.#loadFile(file).catch((error: unknown) => toSluiceError(error));
    // A failure of the count (a malformed record) names its place better than the engine does: it is the one to report.
    await counting;
    if (loaded instanceof SluiceError) throw loaded;
    return loaded;
  }

  async #loadFile(file: NativeFile): Promise<number> {
    const session = this.#session;
    const table = this.#table;
    await session.useThreads(session.context.threads);
    const source = await this.#describe(file);
    const alone = session.isAlone(table);
    await table.prepareForFile(session.connection, source, !alone);
    const insert = (): Promise<number> => session.connection.run(table.insertStatement(source, false), { ...session.runOptions(table.plan.table), source: file.path });
    try {
      return await insert();
    } catch (error) {
      const coded = toSluiceError(error);
      if (alone && coded.code === 'VALUE_INVALID' && table.columns.some((column) => column.fitted && column.name === coded.at.column)) {
        await session.startAnew();
        table.forgetCreation();
        await table.prepareForFile(session.connection, source, true);
        return insert();
      }
      throw await this.#located(coded, file, source);
    }
  }

  /** What the file's expressions yield, within the transaction. */
  async #describe(file: NativeFile): Promise<RowSource> {
    const { connection } = this.#session;
    const relation = file.attach === undefined ? file.relation : file.relation.replaceAll(file.attach, await this.#session.attach(file.path, quoteString(file.path)));
    const items = file.expressions.map((expression, i) => `${expression} AS c${i}`).join(', ');
    const columns = await connection.columns(`SELECT ${items} FROM ${relation}`, { ...this.#session.runOptions(this.#table.plan.table), source: file.path })
      .catch((error: unknown) => { throw unreadable(toSluiceError(error), file); });
    for (const [i, { type }] of columns.entries()) {
      const to = this.#table.columns[i];
      if (to.type !== undefined && !canLoad(type, to.type)) {
        throw new SluiceError('OPTION_UNSUPPORTED', { option: `Loading ${type.sql} into "${to.name}" (${to.type.sql})`, context: 'without loss' }, { table: this.#table.plan.table, column: to.name });
      }
    }
    return { relation, expressions: file.expressions, types: columns.map((column) => column.type) };
  }

  /** Finds the record of a refused value: the statement ran in parallel and does not know. Reads the file once more. */
  async #located(error: SluiceError, file: NativeFile, source: RowSource): Promise<SluiceError> {
    const failed = this.#inOwnNames(unreadable(error, file), file);
    // The engine's CSV reader knows the line, from which the source finds the record.
    if (failed.at.line !== undefined) return failed;
    const column = this.#table.columns.findIndex((one) => one.name === error.at.column);
    if (failed.code !== 'VALUE_INVALID' || column < 0 || file.attach !== undefined) return failed.locatedAt({ file: file.path });
    let connection: EngineConnection | undefined;
    try {
      connection = await this.#session.context.connect();
      const names = this.#table.columns.map((_, i) => `c${i}`).join(', ');
      await connection.run(`SELECT count(c${column}) FROM (${this.#table.select(source, true)}) AS checked(${names})`, this.#session.runOptions(this.#table.plan.table));
    } catch (located) {
      const coded = toSluiceError(located);
      if (coded.code === 'VALUE_INVALID') return coded.locatedAt({ file: file.path });
    } finally {
      await connection?.close();
    }
    return failed.locatedAt({ file: file.path });
  }

  /** The engine's CSV reader says `c3` for the third field. */
  #inOwnNames(error: SluiceError, file: NativeFile): SluiceError {
    const index = error.at.line === undefined || error.at.column === undefined ? -1 : file.expressions.indexOf(error.at.column);
    if (index < 0) return error;
    const column = this.#table.columns[index].name;
    return new SluiceError(error.code, { ...error.facts, column }, { ...error.at, column }, error.cause);
  }
}

export async function drain(chunks: AsyncIterable<Uint8Array>, progress: (bytes: number) => void): Promise<void> {
  for await (const chunk of chunks) progress(chunk.length);
}

/** Damage in a Parquet file shows itself only while it is read; a line beyond the limit of the engine's CSV reader is one that we read by ourselves. */
function unreadable(error: SluiceError, file: NativeFile): SluiceError {
  if (error.code === 'RECORD_TOO_LARGE') return new SluiceError('CSV_IRREGULAR', { source: file.path }, error.at, error);
  if (error.code !== 'ENGINE_ERROR' || !file.relation.startsWith('read_parquet(')) return error;
  return new SluiceError('PARQUET_UNREADABLE', { source: file.path, reason: error.facts.reason }, { ...error.at, file: file.path }, error.cause);
}

/** Records are numbered within the part; in copy-text a record is a line. */
export function placeInPart(error: SluiceError, part: PartStream): SluiceError {
  const { row, ...at } = error.at;
  // What the source itself says of a record names the file, and the record's number in it.
  if (row === undefined || at.file !== undefined) return error;
  const place = {
    ...at,
    ...(part.firstRow === undefined ? {} : { row: part.firstRow + row - 1 }),
    ...(part.encoding.kind === 'copy-text' && at.line === undefined ? { line: row } : {}),
  };
  return new SluiceError(error.code, error.facts, place, error.cause);
}
