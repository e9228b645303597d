import type { ByteSource } from '../../io/byte-source.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { CopyTextBuilder } from '../../rows/copy-text-builder.ts';
import type { InspectedSource, ReadOptions } from '../format.ts';
import { Catalog, tooManyValues, type KnownTable } from './catalog.ts';
import type { RecordSpan } from './byte-window.ts';
import type { RowSink } from './copy-block.ts';
import type { DeclaredTable } from './create-table.ts';
import type { DataHead } from './data-head.ts';
import { DIALECT_NAMES } from './dialect.ts';
import { detectForm, openWindow, sampleWindow, SAMPLE_BYTES } from './open-dump.ts';
import { looseRowPlan, type RowPlan } from './row-plan.ts';
import type { Probe } from './probe.ts';
import { StatementReader, type StatementHandler } from './statement-reader.ts';
import type { TableRef } from './table-ref.ts';

/** The tables of a dump: from its head, or from all of it (then with the number of rows, and with types that hold every value). */
export async function inspectDump(source: ByteSource, options: ReadOptions, depth: 'sample' | 'full', signal: AbortSignal): Promise<InspectedSource> {
  const form = await detectForm(source, options);
  const full = depth === 'full' && source.repeatable;
  const sample = full ? undefined : await source.head(SAMPLE_BYTES);
  const window = sample === undefined ? openWindow(source, form, options, signal) : sampleWindow(source, sample, form, options, signal);
  const inspection = new Inspection(new Catalog(form.rules), options.tolerant === true);
  const reader = new StatementReader(window, form.rules, inspection, options.tolerant);
  const complete = sample === undefined || sample.length < SAMPLE_BYTES;
  try {
    while ((await reader.advance()) !== 'end');
  } catch (error) {
    // The sample ends anywhere; what it ends within is no fault of the dump.
    if (complete || !window.ended || !isOfContent(error)) throw error;
  } finally {
    await window.close();
  }
  const { tables } = inspection.catalog;
  if (tables.length === 0 && complete) {
    const reason = 'it has no CREATE TABLE, no INSERT … VALUES and no COPY … FROM stdin';
    throw new SluiceError('SQL_MALFORMED', { source: source.name, reason }, { file: source.name });
  }
  return {
    source,
    format: 'sql',
    tables: tables.map((table) => table.inspected(options.types, full || complete)),
    details: { dialect: DIALECT_NAMES[form.rules.dialect], charset: form.charset, ...(complete ? { statementsPassedOver: Object.fromEntries(reader.skipped) } : {}) },
    options,
    depth: full || complete ? 'full' : 'sample',
  };
}

function isOfContent(error: unknown): boolean {
  return error instanceof SluiceError && (error.code === 'SQL_MALFORMED' || error.code === 'RECORD_TOO_LARGE');
}

/** Counts rows and notes what kinds of values they have; keeps nothing. */
class Inspection implements StatementHandler {
  readonly catalog: Catalog;
  readonly #tolerant: boolean;

  constructor(catalog: Catalog, tolerant: boolean) {
    this.catalog = catalog;
    this.#tolerant = tolerant;
  }

  declare(table: DeclaredTable): void {
    this.catalog.declare(table);
  }

  setPrimaryKey(table: TableRef, columns: readonly string[]): void {
    this.catalog.setPrimaryKey(table, columns);
  }

  drop(table: TableRef): void {
    this.catalog.drop(table);
  }

  knows(): boolean {
    return false;
  }

  async begin(head: DataHead, probe: Probe): Promise<RowSink> {
    const table = this.catalog.get(head.table);
    const names = table.namesOf(head, probe.values, this.#tolerant);
    if (names === undefined) throw new RangeError(tooManyValues(table, probe.values));
    table.supply(names);
    names.forEach((name, i) => table.see(name, probe.kinds[i] ?? 0));
    return new CountingSink(table, names);
  }
}

class CountingSink implements RowSink {
  readonly plan: RowPlan;
  readonly out = new CopyTextBuilder();
  readonly #table: KnownTable;
  readonly #kinds: Uint16Array;
  readonly #names: readonly string[];

  constructor(table: KnownTable, names: readonly string[]) {
    this.#table = table;
    this.#names = names;
    this.#kinds = new Uint16Array(names.length);
    this.plan = looseRowPlan(names.length, names.length);
  }

  resume(): void {}

  record(_place: RecordSpan, kinds: Uint16Array, values: number): boolean {
    this.out.reset();
    this.#table.rows++;
    for (let i = 0; i < values; i++) {
      const kind = kinds[i];
      if ((this.#kinds[i] & kind) === kind) continue;
      this.#kinds[i] |= kind;
      this.#table.see(this.#names[i], kind);
    }
    return false;
  }

  leaveOut(): boolean {
    this.#table.rows++;
    return false;
  }
}
