// Loading with quarantine in tests: parts as copy-text, written carefully where writing fails, everything that is rejected noted.
import type { Connection, LoadTableSpec, PublishedCounts, RejectedRow, TableLoad } from '../../../src/connectors/connector.ts';
import type { CarefulPart } from '../../../src/rows/part.ts';
import type { Rejection } from '../../../src/rows/rejection.ts';
import { COPY_TEXT } from '../../../src/rows/row-encoding.ts';
import { partOf } from './fixture.ts';

export type TextRow = readonly (string | null)[];

export interface LadderTable {
  readonly spec: LoadTableSpec;
  readonly parts: readonly (readonly TextRow[])[];
}

export interface LadderOutcome {
  readonly counts: ReadonlyMap<string, PublishedCounts>;
  /** By table; those of parts first, in the order of parts. */
  readonly rejected: ReadonlyMap<string, readonly RejectedRow[]>;
}

export function copyText(rows: readonly TextRow[]): string {
  const field = (value: string | null): string => (value === null ? '\\N' : value.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r'));
  return rows.map((row) => `${row.map(field).join('\t')}\n`).join('');
}

export function carefulPart(text: string, leftOut: readonly Rejection[] = [], chunkBytes = 7): CarefulPart {
  const bytes = Buffer.from(text);
  return {
    leftOut,
    chunks: {
      async *[Symbol.asyncIterator]() {
        for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
      },
    },
  };
}

export interface LadderOptions {
  readonly disableTriggers?: boolean;
  readonly jobs?: number;
  /** All tables are begun first, and each is said to be complete: the publication may begin before the last one is. */
  readonly early?: boolean;
  readonly judged?: () => Promise<void>;
}

export async function loadWithQuarantine(connection: Connection, tables: readonly LadderTable[], options: LadderOptions = {}): Promise<LadderOutcome> {
  const session = await connection.openLoad({ run: 'ladder', signal: new AbortController().signal, onError: 'quarantine', disableTriggers: options.disableTriggers === true });
  const rejected = new Map<string, RejectedRow[]>();
  const note = (table: string, rows: readonly RejectedRow[]): void => void rejected.set(table, [...(rejected.get(table) ?? []), ...rows]);
  try {
    const plans = [];
    for (const { spec } of tables) plans.push(await session.plan(spec));
    const loads: (TableLoad | undefined)[] = plans.map(() => undefined);
    if (options.early === true) for (const [i, plan] of plans.entries()) loads[i] = await session.begin(plan);
    for (const [i, { parts }] of tables.entries()) {
      await writeParts(loads[i] ?? await session.begin(plans[i]), parts, options.jobs ?? 2, note);
      if (options.early === true) session.complete!(plans[i].table);
    }
    for (const rows of rejected.values()) rows.sort((a, b) => a.part - b.part || a.record - b.record);
    const counts = await session.publish({
      rejected: async (table, rows) => note(table, rows),
      judged: options.judged ?? (async () => undefined),
    });
    return { counts, rejected };
  } catch (error) {
    await session.abort();
    throw error;
  }
}

async function writeParts(load: TableLoad, parts: LadderTable['parts'], jobs: number, note: (table: string, rows: readonly RejectedRow[]) => void): Promise<void> {
  const { plan } = load;
  let next = 0;
  await Promise.all(Array.from({ length: jobs }, async () => {
    const writer = await load.openWriter();
    try {
      for (let index = next++; index < parts.length; index = next++) {
        const text = copyText(parts[index]);
        const part = index;
        await writer.write(partOf(part, [text], COPY_TEXT), () => undefined).catch(async () => {
          await writer.writeCarefully!(carefulPart(text), part, async (rows) => note(plan.table, rows.map((row) => ({ ...row, part }))));
        });
      }
    } finally {
      await writer.close();
    }
  }));
}

/** `part:record code constraint column` of each. */
export function summary(outcome: LadderOutcome, table: string): string[] {
  return (outcome.rejected.get(table) ?? []).map(({ part, record, code, constraint, column }) => [`${part}:${record}`, code, constraint, column].filter((item) => item !== undefined).join(' '));
}
