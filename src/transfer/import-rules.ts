import type { Connection } from '../connectors/connector.ts';
import type { FormatName, InspectedSource } from '../formats/format.ts';
import type { ByteSource } from '../io/byte-source.ts';
import type { TableName } from '../rows/table-schema.ts';
import { targetName, type SourceTable } from './import-target.ts';
import type { ImportOptions } from './transfer.ts';

/** What is loaded, in the order of its tables. */
export interface Arrangement {
  readonly inspected: readonly InspectedSource[];
  readonly notes: readonly string[];
}

/** Where imports differ: which sources count, where their tables go, in which order. */
export interface ImportRules {
  readonly job: 'import' | 'restore';
  /** Plain data without secrets that the rules are made of again when the run is resumed. */
  readonly stored?: unknown;
  /** Known before anything is opened; for the plan and the receipt. */
  readonly notes: readonly string[];
  /** Null: the source holds nothing that is to be loaded. */
  inspect(source: ByteSource, format: FormatName, look: (depth: 'sample' | 'full') => Promise<InspectedSource>, depth: 'sample' | 'full'): Promise<InspectedSource | null>;
  /** Called with everything that was inspected before tables are planned, and again when the sources had to be inspected again. */
  arrange(inspected: readonly InspectedSource[], connection: Connection): Promise<Arrangement>;
  /** Only after `arrange`; also of tables that show themselves while the source is read. Null: left out on request. */
  nameOf(source: SourceTable): TableName | null;
}

/** Everything is taken, in the order of the sources, under its own name. */
export function importRules(options: ImportOptions): ImportRules {
  return {
    job: 'import',
    notes: [],
    inspect: (_source, _format, look, depth) => look(depth),
    arrange: async (inspected) => ({ inspected, notes: [] }),
    nameOf: (source) => targetName(source, options),
  };
}
