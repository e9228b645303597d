import { SluiceError } from '../../errors/sluice-error.ts';
import { CopyTextBuilder } from '../../rows/copy-text-builder.ts';
import { CANONICAL_CSV, COPY_TEXT, type RowEncoding } from '../../rows/row-encoding.ts';
import { displayName, type Column } from '../../rows/table-schema.ts';
import type { InspectedSource, InspectedTable, ReadRequest, TableBinding, TablePart } from '../format.ts';
import { problemOf } from '../left-out.ts';
import { Catalog, tooManyValues, type KnownTable } from './catalog.ts';
import type { RowSink } from './copy-block.ts';
import type { DeclaredTable } from './create-table.ts';
import type { DataHead } from './data-head.ts';
import type { ByteWindow, RecordSpan } from './byte-window.ts';
import type { LexicalRules } from './dialect.ts';
import { detectForm, openWindow } from './open-dump.ts';
import { looseRowPlan, rowPlan, type RowPlan } from './row-plan.ts';
import type { Probe } from './probe.ts';
import { StatementReader, type StatementHandler } from './statement-reader.ts';
import { OpenPart, PartRoom } from './table-parts.ts';
import type { TableRef } from './table-ref.ts';

export const DUMP_ENCODINGS: readonly RowEncoding[] = [COPY_TEXT, CANONICAL_CSV];

/** What a table whose part fills up costs besides its rows: the first pieces of its buffers. */
const OPEN_TABLE_BYTES = 8 * 1024;

/** The rows of a dump as parts, table by table as they come. */
export async function* readDump(inspected: InspectedSource, request: ReadRequest): AsyncGenerator<TablePart, void, undefined> {
  const { source, options } = inspected;
  const form = await detectForm(source, options);
  const window = openWindow(source, form, options, request.signal);
  const room = new PartRoom(request.jobs, request.signal, request.replayable === true);
  const intake = new Intake(inspected, request, window, form.rules, room);
  const reader = new StatementReader(window, form.rules, intake, request.tolerant);
  const place = { name: source.name, exactOffsets: form.utf16 === undefined };
  try {
    for (let state = ''; state !== 'end';) {
      state = await reader.advance();
      for (const open of state === 'end' ? intake.takeAll() : intake.takeFull()) {
        await room.wait();
        yield room.hand(open, place);
      }
    }
    intake.tellSkipped();
  } finally {
    await window.close();
  }
}

/** A table that rows were seen of, and what was said about it. */
interface BoundTable {
  readonly known: KnownTable;
  readonly inspected: InspectedTable;
  /** Null: its rows are left out. */
  readonly binding: TableBinding | null;
  readonly sinks: Map<string, RowSink>;
  open: OpenPart | undefined;
  rows: number;
  parts: number;
  /** How often the dump came to it from another table. */
  visits: number;
}

/** Asks for bindings, and keeps the rows until they are a part. */
class Intake implements StatementHandler {
  readonly #inspected: InspectedSource;
  readonly #request: ReadRequest;
  readonly #window: ByteWindow;
  readonly #rules: LexicalRules;
  readonly #room: PartRoom;
  readonly #catalog: Catalog;
  readonly #tables = new Map<string, BoundTable>();
  /** Tables with rows that wait. */
  readonly #open = new Set<BoundTable>();
  #full: OpenPart[] = [];
  /** The table that rows go to now; what the others hold together. */
  #current: BoundTable | undefined;
  #heldByOthers = 0;
  /** Source bytes up to here belong to parts. */
  #accounted = 0;

  // oxlint-disable-next-line max-params -- made in one place
  constructor(inspected: InspectedSource, request: ReadRequest, window: ByteWindow, rules: LexicalRules, room: PartRoom) {
    this.#inspected = inspected;
    this.#request = request;
    this.#window = window;
    this.#rules = rules;
    this.#room = room;
    this.#catalog = new Catalog(rules);
  }

  declare(table: DeclaredTable): void {
    this.#catalog.declare(table);
  }

  setPrimaryKey(table: TableRef, columns: readonly string[]): void {
    this.#catalog.setPrimaryKey(table, columns);
  }

  drop(table: TableRef): void {
    if (this.#tables.has(table.key)) throw new SluiceError('SQL_MALFORMED', { source: this.#window.source, reason: `${displayName(table.name)} is dropped after its rows` }, this.#window.place(this.#window.start));
    this.#catalog.drop(table);
  }

  knows(head: DataHead): boolean {
    return this.#tables.has(head.table.key) && (head.columns !== undefined || this.#tables.get(head.table.key)!.sinks.has(headKey(head)));
  }

  async begin(head: DataHead, probe: Probe): Promise<RowSink> {
    const table = this.#tables.get(head.table.key) ?? await this.#bind(head, probe);
    const key = headKey(head);
    let sink = table.sinks.get(key);
    if (sink === undefined) {
      sink = this.#sink(table, head, probe.values);
      table.sinks.set(key, sink);
    }
    sink.resume();
    return sink;
  }

  /** Parts that are full, with their places in the order of rows. */
  takeFull(): OpenPart[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  takeAll(): OpenPart[] {
    for (const table of this.#open) this.#close(table);
    return this.takeFull();
  }

  tellSkipped(): void {
    for (const table of this.#tables.values()) if (table.binding === null) this.#request.onSkipped?.(table.inspected, table.rows);
  }

  /** Buffers for the table that rows go to. */
  part(table: BoundTable): OpenPart {
    table.open ??= new OpenPart(table.binding!, table.parts++, table.rows + 1, this.#room.builder(this.#open.size === 0));
    this.#open.add(table);
    return table.open;
  }

  /** After each record. @returns true when parts are to be taken */
  record(table: BoundTable, open: OpenPart, span: RecordSpan, unfit?: string): boolean {
    table.rows++;
    open.place(span);
    if (unfit !== undefined) open.leaveOut(problemOf('SQL_MALFORMED', { source: this.#window.source, reason: unfit }));
    if (open.size + this.#heldByOthers < this.#request.partBytes) return this.#full.length > 0;
    this.#account(open);
    const largest = [...this.#open].reduce((most, one) => ((one.open?.size ?? 0) > (most.open?.size ?? 0) ? one : most), table);
    this.#close(largest);
    if (largest !== table) this.#heldByOthers = this.#heldBesides(table);
    return true;
  }

  #account(open: OpenPart): void {
    const now = this.#window.offset(this.#window.start);
    open.sourceBytes += now - this.#accounted;
    this.#accounted = now;
  }

  #close(table: BoundTable): void {
    this.#open.delete(table);
    const { open } = table;
    table.open = undefined;
    if (open === undefined || open.records === 0) return;
    if (table === this.#current) this.#account(open);
    this.#full.push(open);
  }

  /** The next rows are of this table. */
  switchTo(table: BoundTable): void {
    if (this.#current === table) return;
    const before = this.#current;
    if (before?.open !== undefined) this.#account(before.open);
    // Most dumps finish a table before the next one: its rows go on at once. A table that comes back keeps its buffer from then on.
    if (before?.visits === 1) this.#close(before);
    this.#current = table;
    table.visits++;
    this.#heldByOthers = this.#heldBesides(table);
  }

  #heldBesides(table: BoundTable): number {
    let held = 0;
    for (const one of this.#open) if (one !== table) held += OPEN_TABLE_BYTES + (one.open?.size ?? 0);
    return held;
  }

  async #bind(head: DataHead, probe: Probe): Promise<BoundTable> {
    const known = this.#catalog.get(head.table);
    const names = known.namesOf(head, head.columns?.length ?? probe.values, this.#request.tolerant);
    if (names === undefined) throw new RangeError(tooManyValues(known, probe.values));
    known.supply(names);
    names.forEach((name, i) => known.see(name, probe.kinds[i] ?? 0));
    const inspected = this.#inspectedTable(known);
    const binding = await this.#request.bind(inspected, () => DUMP_ENCODINGS);
    const table: BoundTable = { known, inspected, binding, sinks: new Map(), open: undefined, rows: 0, parts: 0, visits: 0 };
    this.#tables.set(head.table.key, table);
    return table;
  }

  /** What a complete inspection found goes before what the first statement tells. */
  #inspectedTable(known: KnownTable): InspectedTable {
    const { types } = this.#inspected.options;
    const own = known.inspected(types, false);
    const before = this.#inspected.tables.find((table) => table.name !== undefined && displayName(table.name) === displayName(known.table.name));
    if (before === undefined) return own;
    const found = new Map(before.columns.map((column) => [column.name, column]));
    const complete = this.#inspected.depth === 'full' || own.columns.every((column) => found.has(column.name)) && before.columns.every((column) => own.columns.some(({ name }) => name === column.name));
    const columns = complete ? before.columns : own.columns.map((column): Column => found.get(column.name) ?? column);
    const primaryKey = own.primaryKey ?? before.primaryKey?.filter((name) => columns.some((column) => column.name === name));
    const whole = primaryKey !== undefined && primaryKey.length === (own.primaryKey ?? before.primaryKey)?.length;
    return { name: known.table.name, columns, ...(whole ? { primaryKey } : {}), ...(before.estimatedRows === undefined ? {} : { estimatedRows: before.estimatedRows }) };
  }

  #sink(table: BoundTable, head: DataHead, values: number): RowSink {
    const names = table.known.namesOf(head, head.columns?.length ?? values, this.#request.tolerant);
    if (names === undefined) throw new RangeError(tooManyValues(table.known, values));
    if (table.binding === null) return new SkippingSink(table, names.length);
    return new TableSink(this, table, this.#plan(table, table.binding, names));
  }

  #plan(table: BoundTable, binding: TableBinding, names: readonly string[]): RowPlan {
    const fieldOf = names.map((name) => {
      const field = binding.fields.findIndex((one) => one.source === name && one.absent !== true);
      if (field !== -1) return field;
      if (binding.ignored.includes(name) || table.known.column(name)?.filled === 'generated') return -1;
      const at = { ...this.#window.place(this.#window.start), table: binding.table, column: name };
      throw new SluiceError('COLUMN_UNKNOWN', { table: binding.table, column: name, suggestion: 'Add the column, or map it with --map.' }, at);
    });
    for (const { source, absent } of binding.fields) {
      const column = absent === true ? undefined : table.known.column(source);
      if (column?.filled !== undefined && column.filled !== 'generated' && !names.includes(column.name)) {
        throw new RangeError(`this statement leaves out the column ${source}, which has a default that only a database can compute, and others give it`);
      }
    }
    return rowPlan(fieldOf, binding.fields, this.#rules);
  }
}

function headKey(head: DataHead): string {
  return head.columns === undefined ? '' : JSON.stringify(head.columns);
}

/** Rows that are wanted. */
class TableSink implements RowSink {
  readonly plan: RowPlan;
  out!: CopyTextBuilder;
  readonly #intake: Intake;
  readonly #table: BoundTable;
  #part!: OpenPart;

  constructor(intake: Intake, table: BoundTable, plan: RowPlan) {
    this.#intake = intake;
    this.#table = table;
    this.plan = plan;
  }

  resume(): void {
    this.#intake.switchTo(this.#table);
    this.#renew();
  }

  /** The table's part may have been closed. */
  #renew(): void {
    this.#part = this.#intake.part(this.#table);
    this.out = this.#part.builder;
  }

  record(span: RecordSpan): boolean {
    return this.#took(this.#intake.record(this.#table, this.#part, span));
  }

  leaveOut(span: RecordSpan, reason: string): boolean {
    return this.#took(this.#intake.record(this.#table, this.#part, span, reason));
  }

  #took(full: boolean): boolean {
    if (full) this.#renew();
    return full;
  }
}

/** Rows that nobody wants: they are read and counted. */
class SkippingSink implements RowSink {
  readonly plan: RowPlan;
  readonly out = new CopyTextBuilder();
  readonly #table: BoundTable;

  constructor(table: BoundTable, values: number) {
    this.#table = table;
    this.plan = looseRowPlan(values, values);
  }

  resume(): void {}

  record(): boolean {
    this.out.reset();
    this.#table.rows++;
    return false;
  }

  leaveOut(): boolean {
    return this.record();
  }
}
