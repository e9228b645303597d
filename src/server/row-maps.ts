/** Maps of the rows of tables that are being looked at (transfer/row-map.ts), made when first wanted. A few are kept, until a run of this server has ended or for a while: others change tables, too. */
import type { Connection } from '../connectors/connector.ts';
import { displayName, type TableSchema } from '../rows/table-schema.ts';
import { mapRows, type RowMap } from '../transfer/row-map.ts';

const MOST_KEPT = 12;
const KEPT_MS = 30_000;
/** What took long to make is kept longer. */
const KEPT_TIMES_MAKING = 40;

interface Kept {
  readonly map: RowMap;
  readonly until: number;
  readonly generation: number;
}

export class RowMaps {
  readonly #kept = new Map<string, Kept>();
  readonly #generation: () => number;

  /** @param generation changes when tables may have changed */
  constructor(generation: () => number) {
    this.#generation = generation;
  }

  /** What is known already. @param database its name here */
  known(database: string, table: TableSchema): RowMap | undefined {
    const kept = this.#kept.get(keyOf(database, table));
    return kept !== undefined && kept.generation === this.#generation() && kept.until > Date.now() ? kept.map : undefined;
  }

  /** @throws SluiceError of the connector */
  async of(database: string, connection: Connection, table: TableSchema, signal: AbortSignal): Promise<RowMap> {
    const known = this.known(database, table);
    if (known !== undefined) return known;
    const generation = this.#generation();
    const began = performance.now();
    const map = await mapRows(connection, table, signal);
    const key = keyOf(database, table);
    this.#kept.delete(key);
    this.#kept.set(key, { map, generation, until: Date.now() + Math.max(KEPT_MS, (performance.now() - began) * KEPT_TIMES_MAKING) });
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    return map;
  }
}

function keyOf(database: string, table: TableSchema): string {
  return `${database}\0${displayName(table)}`;
}
