/**
 * The entry of a run's publication in the database that it loads: a table of its own, committed by the transaction that publishes the run, so it is there exactly when the rows are. It is what
 * tells a run that died before its end was recorded that it must not publish again. It goes when the end is recorded.
 */
import type { EngineConnection, RunOptions } from '../../engine/engine-connection.ts';
import { quoteString, quoteTable } from '../../engine/quoting.ts';
import type { PublishedCounts, PublishedTable } from '../connector.ts';
import type { LoadingTable } from './table-load.ts';

const NAME = /^sluice_(.+)_published$/;

export class PublicationEntry {
  readonly #quoted: string;

  constructor(run: string) {
    this.#quoted = quoteTable({ name: `sluice_${run}_published` });
  }

  /** To be called in the publishing transaction. */
  async write(connection: EngineConnection, tables: readonly LoadingTable[], published: ReadonlyMap<string, PublishedCounts>, run: RunOptions): Promise<void> {
    const entries = tables.map(({ plan, totals }): [string, PublishedTable] => {
      const counts = published.get(plan.table)!;
      return [plan.table, { ...totals, written: totals.read - totals.rejected - totals.skipped, published: counts }];
    });
    await connection.run(`CREATE TABLE ${this.#quoted} AS SELECT CAST(${quoteString(JSON.stringify(Object.fromEntries(entries)))} AS VARCHAR) AS facts`, run);
  }

  /** Undefined when nothing was published. */
  async read(connection: EngineConnection, run: RunOptions): Promise<ReadonlyMap<string, PublishedTable> | undefined> {
    const there = await connection.value(`SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND '"' || schema_name || '"."' || table_name || '"' = ${quoteString(this.#quoted)}`, run);
    if (there === undefined) return undefined;
    const facts = await connection.value(`SELECT facts FROM ${this.#quoted}`, run);
    return new Map(Object.entries(JSON.parse(facts!) as Record<string, PublishedTable>));
  }

  async drop(connection: EngineConnection, run: RunOptions): Promise<void> {
    await connection.run(`DROP TABLE IF EXISTS ${this.#quoted}`, run);
  }

  /** Drops what runs have left that died between the record of their end and tidying up. */
  static async dropDone(connection: EngineConnection, isDone: (run: string) => boolean, options: RunOptions): Promise<void> {
    const rows = await connection.rows("SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND table_name LIKE 'sluice\\_%\\_published' ESCAPE '\\'", options);
    for (const [name] of rows) {
      const run = NAME.exec(String(name))?.[1];
      if (run !== undefined && isDone(run)) await new PublicationEntry(run).drop(connection, options);
    }
  }
}
