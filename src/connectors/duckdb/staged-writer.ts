/**
 * Writes parts into the staging table of a load that quarantines: quickly, where the first value that does not fit refuses the part, and carefully, where
 * the engine tests every value of a part by the same rules (engine/load-rules.ts) and the rows that pass go on.
 *
 * Records keep their number within the part whatever was left out of the bytes: the numbers of rows are shifted afterwards by what is missing before them.
 */
import { SluiceError, toSluiceError } from '../../errors/sluice-error.ts';
import type { EngineConnection, RunOptions } from '../../engine/engine-connection.ts';
import { VARCHAR } from '../../engine/engine-type.ts';
import { feed } from '../../engine/feed.ts';
import { sortingSelect } from '../../engine/load-select.ts';
import { quoteString } from '../../engine/quoting.ts';
import { canReadText, recordLimit, textRelation } from '../../engine/text-relation.ts';
import { createFifo } from '../../io/fifo.ts';
import type { CarefulPart, PartStream } from '../../rows/part.ts';
import type { Rejection } from '../../rows/rejection.ts';
import { COPY_TEXT, type RowEncoding } from '../../rows/row-encoding.ts';
import type { LoadTablePlan, PartWriter, TableLoad } from '../connector.ts';
import { LargeRecords } from './large-records.ts';
import { rowBatches } from './row-batches.ts';
import type { StagedLoadSession } from './staged-session.ts';
import { ordinalOf, ordinalsFrom, placeOf, type StagedTable } from './staged-table.ts';
import { drain, placeInPart } from './table-writer.ts';
import { shown } from './verdicts.ts';

export class StagedTableLoad implements TableLoad {
  readonly plan: LoadTablePlan;
  readonly arrays = 'json';
  readonly #session: StagedLoadSession;
  readonly #table: StagedTable;

  constructor(session: StagedLoadSession, table: StagedTable) {
    this.plan = table.plan;
    this.#session = session;
    this.#table = table;
  }

  accepts(encoding: RowEncoding): boolean {
    const { takesText } = this.#table.rows;
    if (encoding.kind === 'file') return !takesText;
    return takesText && canReadText(encoding, this.plan.columns.length);
  }

  async openWriter(): Promise<PartWriter> {
    return new StagedPartWriter(this.#session, this.#table);
  }
}

class StagedPartWriter implements PartWriter {
  readonly #session: StagedLoadSession;
  readonly #table: StagedTable;

  constructor(session: StagedLoadSession, table: StagedTable) {
    this.#session = session;
    this.#table = table;
  }

  async write(part: PartStream, progress: (bytes: number) => void): Promise<{ written: number }> {
    const written = part.encoding.kind === 'file' ? await this.#writeFile(part, progress) : await this.#writeText(part, progress);
    this.#table.rows.account(part.counts(), part.leftOut?.length ?? 0);
    return { written };
  }

  async writeCarefully(part: CarefulPart, index: number, beforeCommit: (rejections: readonly Rejection[]) => Promise<void>): Promise<{ written: number; rejected: number }> {
    await this.#prepare();
    const done = await this.#session.transaction(async (connection) => {
      const all = await this.#readTexts(part, index, connection);
      const { quoted, rows } = this.#table;
      const [raw, bad] = [this.#session.quoted('raw'), this.#session.quoted('bad')];
      const run = this.#run;
      const types = rows.columns.map((column) => column.type!);
      const sorted = sortingSelect(types, raw);
      const written = await connection.run(`INSERT INTO ${quoted} (${rows.names}) SELECT o, ${types.map((_, i) => `t${i}`).join(', ')} FROM (${sorted}) WHERE bad IS NULL`, run);
      const texts = types.map((_, i) => `x${i}`).join(', ');
      const select = `SELECT o, bad AS v, ${texts} FROM (${sorted}) WHERE bad IS NOT NULL UNION ALL SELECT o, -1, ${types.map(() => 'NULL').join(', ')} FROM ${this.#session.quoted('large')}`;
      let rejected = 0;
      if (written < all) {
        for await (const batch of rowBatches(connection, { table: bad, select, fields: types.length, run })) {
          rejected += batch.length;
          await beforeCommit(batch.map((row) => this.#rejection(row.ordinal, row.verdict, row.values)));
        }
      }
      await beforeCommit([]);
      if (written + rejected !== all) throw new SluiceError('INTERNAL', { reason: `${all} records were tested, and ${written + rejected} came out` });
      await connection.run(`DROP TABLE ${raw}; DROP TABLE ${this.#session.quoted('large')}`, run);
      return { written, rejected };
    });
    this.#table.rows.account(part.counts?.() ?? { read: 0, skipped: 0, bytes: 0 }, done.rejected + part.leftOut.length);
    return done;
  }

  /** Nothing to release: the session owns the connection. */
  async close(): Promise<void> {
    await Promise.resolve();
  }

  get #run(): RunOptions {
    return this.#session.runOptions(this.#table.plan.table);
  }

  async #prepare(): Promise<void> {
    await this.#session.alone(async (connection) => {
      await this.#session.useThreads(1);
      await this.#table.rows.prepareForText(connection);
    });
  }

  async #writeText(part: PartStream, progress: (bytes: number) => void): Promise<number> {
    await this.#prepare();
    const { rows } = this.#table;
    const types = rows.columns.map((column) => column.type!);
    const { context } = this.#session;
    const relationAt = (path: string): ReturnType<typeof textRelation> => textRelation(path, part.encoding, types, context.memoryLimitBytes);
    return this.#session.transaction(async (connection) => {
      const statement = (path: string): string => {
        const { relation, expressions } = relationAt(path);
        return rows.insertStatement({ relation, expressions, types: expressions.map(() => VARCHAR) }, true, ordinalOf(part.part.index, 'r'));
      };
      try {
        const written = await feed({ connection, statement, chunks: relationAt('').through(part.chunks), openPipe: createFifo, signal: context.signal, context: this.#run, progress });
        await this.#shift(connection, rows.quoted, this.#table.ordinal, part.part.index, part.leftOut?.map(({ record }) => record) ?? []);
        return written;
      } catch (error) {
        throw placeInPart(toSluiceError(error), part);
      }
    });
  }

  /** The part as a table of texts, records numbered. @returns how many records there are, those that are too large for the engine's reader included */
  async #readTexts(part: CarefulPart, index: number, connection: EngineConnection): Promise<number> {
    const { context } = this.#session;
    const raw = this.#session.quoted('raw');
    const large = new LargeRecords(recordLimit(context.memoryLimitBytes));
    const types = this.#table.rows.columns.map(() => VARCHAR);
    const relationAt = (path: string): ReturnType<typeof textRelation> => textRelation(path, COPY_TEXT, types, context.memoryLimitBytes);
    await connection.run(`CREATE TABLE ${raw} (o BIGINT, ${types.map((_, i) => `x${i} VARCHAR`).join(', ')}); CREATE TABLE ${this.#session.quoted('large')} (o BIGINT)`, this.#run);
    const statement = (path: string): string => {
      const { relation, expressions } = relationAt(path);
      return `INSERT INTO ${raw} SELECT ${ordinalOf(index, 'row_number() OVER ()')}, ${expressions.join(', ')} FROM ${relation}`;
    };
    const read = await feed({ connection, statement, chunks: relationAt('').through(large.without(part.chunks)), openPipe: createFifo, signal: context.signal, context: this.#run });
    const leftOut = part.leftOut.map(({ record }) => record);
    const tooLarge = large.among(leftOut);
    await this.#shift(connection, raw, 'o', index, [...leftOut, ...tooLarge].toSorted((a, b) => a - b));
    for (const record of tooLarge) await connection.run(`INSERT INTO ${this.#session.quoted('large')} VALUES (${ordinalsFrom(index) + BigInt(record)})`, this.#run);
    return read + tooLarge.length;
  }

  /** From the number among the rows that came to the number among all records of the part. @param missing ascending */
  async #shift(connection: EngineConnection, table: string, ordinal: string, index: number, missing: readonly number[]): Promise<void> {
    if (missing.length === 0) return;
    const gaps = this.#session.quoted('gaps');
    await connection.run(`CREATE TABLE ${gaps} (after BIGINT, shift BIGINT)`, this.#run);
    // The row that was number `record - i` among those that came is the first behind `i + 1` missing ones.
    const shifts = missing.map((record, i) => `(${record - i}, ${i + 1})`);
    for (let from = 0; from < shifts.length; from += SHIFTS_AT_ONCE) await connection.run(`INSERT INTO ${gaps} VALUES ${shifts.slice(from, from + SHIFTS_AT_ONCE).join(', ')}`, this.#run);
    const [first, last] = [ordinalsFrom(index), ordinalsFrom(index + 1)];
    await connection.run(`UPDATE ${table} AS moved SET ${ordinal} = found.o FROM (
      SELECT s.${ordinal} AS old, s.${ordinal} + g.shift AS o FROM (SELECT ${ordinal} FROM ${table} WHERE ${ordinal} > ${first} AND ${ordinal} < ${last}) AS s
      ASOF JOIN (SELECT after, max(shift) AS shift FROM ${gaps} GROUP BY after) AS g ON s.${ordinal} - ${first} >= g.after) AS found
      WHERE moved.${ordinal} = found.old`, this.#run);
    await connection.run(`DROP TABLE ${gaps}`, this.#run);
  }

  #rejection(ordinal: string, column: number, values: readonly (string | null)[]): Rejection {
    const { record } = placeOf(ordinal);
    if (column < 0) {
      const limit = recordLimit(this.#session.context.memoryLimitBytes);
      return { record, code: 'RECORD_TOO_LARGE', message: `the record is larger than ${limit} bytes, which is what the embedded engine takes with its memory` };
    }
    const { name, type } = this.#table.rows.columns[column];
    return { record, code: 'VALUE_INVALID', column: name, values, message: `"${shown(values[column])}" cannot be stored as ${type!.sql} without loss` };
  }

  /** Only for tables that text cannot carry: all or nothing. */
  async #writeFile(part: PartStream, progress: (bytes: number) => void): Promise<number> {
    const file = part.file;
    if (file === undefined) throw new SluiceError('INTERNAL', { reason: 'a part in the file encoding names no file' });
    const counting = drain(part.chunks, progress);
    counting.catch(() => undefined); // awaited below, also when the engine fails first
    const { rows } = this.#table;
    const loading = (async () => {
      const name = `${this.#session.scratch}_source`;
      const relation = file.attach === undefined ? file.relation : file.relation.replaceAll(file.attach, `"${name}"`);
      const run = { ...this.#run, source: file.path };
      return this.#session.alone(async (connection) => {
        if (file.attach !== undefined) await connection.run(`ATTACH ${quoteString(file.path)} AS "${name}" (READ_ONLY)`, { ...run, path: file.path });
        try {
          const items = file.expressions.map((expression, i) => `${expression} AS c${i}`).join(', ');
          const types = (await connection.columns(`SELECT ${items} FROM ${relation}`, run)).map(({ type }) => type);
          const source = { relation, expressions: file.expressions, types };
          await rows.prepareForFile(connection, source, true);
          return await connection.run(rows.insertStatement(source, true, ordinalOf(part.part.index, 'r')), run);
        } finally {
          if (file.attach !== undefined) await connection.run(`DETACH "${name}"`).catch(() => undefined);
        }
      });
    })().catch((error: unknown) => toSluiceError(error));
    await counting;
    const loaded = await loading;
    if (loaded instanceof SluiceError) throw loaded;
    return loaded;
  }
}

const SHIFTS_AT_ONCE = 5000;
