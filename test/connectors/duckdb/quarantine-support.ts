import type { Connection, LoadMode, PublishedCounts, RejectedRow } from '../../../src/connectors/connector.ts';
import { SluiceError } from '../../../src/errors/sluice-error.ts';
import type { CarefulPart, PartStream } from '../../../src/rows/part.ts';
import type { Rejection } from '../../../src/rows/rejection.ts';
import { COPY_TEXT } from '../../../src/rows/row-encoding.ts';
import type { Column, TableName } from '../../../src/rows/table-schema.ts';
import { never, partOf } from '../../engine/support.ts';

type Row = readonly (string | null)[];

/** A table of a run that quarantines: its parts by index, in the order in which they are written. */
export interface QuarantinedTable {
  readonly table: TableName;
  readonly columns: readonly Column[];
  readonly mode?: LoadMode;
  readonly key?: readonly string[];
  readonly primaryKey?: readonly string[];
  readonly parts: readonly { readonly index: number; readonly rows: readonly Row[] }[];
}

export interface Outcome {
  readonly counts: ReadonlyMap<string, PublishedCounts>;
  /** By table, the rejected rows in the order in which they were told: `part.record`, code, column. */
  readonly rejected: Readonly<Record<string, string[]>>;
  readonly all: readonly (RejectedRow & { table: string })[];
  readonly written: number;
}

export function copyTextOf(rows: readonly Row[]): string {
  return rows.map((row) => `${row.map((value) => value?.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n') ?? '\\N').join('\t')}\n`).join('');
}

export function careful(text: string | Uint8Array, leftOut: readonly number[] = []): CarefulPart {
  return { chunks: partOf(text, COPY_TEXT, { chunkBytes: 1000 }).chunks, leftOut: leftOut.map((record): Rejection => ({ record, code: 'ROW_INVALID', message: 'left out' })) };
}

export function indexed(part: PartStream, index: number): PartStream {
  return { ...part, part: { ...part.part, index } };
}

/** One run: each part on the fast lane, once more with care where that fails for its content. */
export async function quarantine(connection: Connection, tables: readonly QuarantinedTable[], judged: (rejected: number) => void = () => undefined): Promise<Outcome> {
  const session = await connection.openLoad({ run: 'r', signal: never, onError: 'quarantine' });
  const all: (RejectedRow & { table: string })[] = [];
  let written = 0;
  try {
    for (const { parts, mode = 'append', ...spec } of tables) {
      const plan = await session.plan({ mode, ...spec });
      const load = await session.begin(plan);
      const writer = await load.openWriter();
      for (const { index, rows } of parts) {
        const text = copyTextOf(rows);
        try {
          written += (await writer.write(indexed(partOf(text, COPY_TEXT), index), () => undefined)).written;
        } catch (error) {
          if (!(error instanceof SluiceError) || error.code !== 'VALUE_INVALID') throw error;
          const result = await writer.writeCarefully!(careful(text), index, async (rejections) => {
            all.push(...rejections.map((rejection) => ({ ...rejection, part: index, table: plan.table })));
            await Promise.resolve();
          });
          written += result.written;
        }
      }
      await writer.close();
    }
    const counts = await session.publish({
      rejected: async (table, rows) => {
        all.push(...rows.map((row) => ({ ...row, table })));
        await Promise.resolve();
      },
      judged: async () => {
        judged(all.length);
        await Promise.resolve();
      },
    });
    const rejected: Record<string, string[]> = {};
    for (const row of all) (rejected[row.table] ??= []).push([`${row.part}.${row.record}`, row.code, ...(row.column === undefined ? [] : [row.column])].join(' '));
    return { counts, rejected, all, written };
  } catch (error) {
    await session.abort();
    throw error;
  }
}
