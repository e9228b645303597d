/**
 * What an inspection collects: the tables that were found with their profiles, what was left out, and in the end the InspectedSource.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ByteSource } from '../../io/byte-source.ts';
import type { FormatName, InspectedSource, InspectedTable, ReadOptions } from '../format.ts';
import type { ByteWindow } from './byte-window.ts';
import type { CharsetName } from '../charset.ts';
import { isTablePath } from './layout.ts';
import type { JsonLexer } from './lexer.ts';
import { RecordSequence, type SequenceState } from './record-sequence.ts';
import { profilerOf, TableProfile } from './table-profile.ts';

export const SAMPLE_BYTES = 4 * 1024 * 1024;
const NAMES_SHOWN = 20;

export interface FoundTable {
  readonly path: readonly string[];
  readonly profile: TableProfile;
  startByte: number;
  endByte: number;
  complete: boolean;
}

export class Inspection {
  readonly source: ByteSource;
  readonly options: ReadOptions;
  /** 'sample' also where 'full' was asked of a source that can be read only once. */
  readonly depth: 'sample' | 'full';
  readonly charset: CharsetName;
  /** Records that are none are left out, not refused. */
  readonly tolerant: boolean;
  readonly #tables = new Map<string, FoundTable>();
  readonly #others = new Set<string>();

  // oxlint-disable-next-line max-params -- what is looked at, and how
  constructor(source: ByteSource, options: ReadOptions, depth: 'sample' | 'full', charset: CharsetName, tolerant: boolean) {
    this.source = source;
    this.options = options;
    this.depth = source.repeatable ? depth : 'sample';
    this.charset = charset;
    this.tolerant = tolerant;
  }

  get tables(): readonly FoundTable[] {
    return [...this.#tables.values()];
  }

  /** The table at `path`, new or found before (a key may be repeated). */
  table(path: readonly string[], byte: number): FoundTable {
    const key = JSON.stringify(path);
    const known = this.#tables.get(key);
    if (known !== undefined) return known;
    const table: FoundTable = { path, profile: new TableProfile(), startByte: byte, endByte: byte, complete: true };
    this.#tables.set(key, table);
    return table;
  }

  /** A member that is not a table. */
  other(path: readonly string[]): void {
    if (path.length > 0 && this.#others.size < 10_000) this.#others.add(path.join('.'));
  }

  /** Profiles the records at the window, up to the sample's size. */
  async profile(table: FoundTable, lexer: JsonLexer<ByteWindow>, kind: 'array' | 'lines'): Promise<Exclude<SequenceState, 'more'>> {
    const { window } = lexer;
    const until = this.depth === 'full' ? Number.POSITIVE_INFINITY : SAMPLE_BYTES;
    table.complete = false;
    try {
      const state = await new RecordSequence(lexer, kind, this.tolerant).runAll(profilerOf(lexer, table.profile, until, this.tolerant));
      table.complete = state === 'end';
      return state;
    } finally {
      table.endByte = window.offset(window.pos);
    }
  }

  result(format: FormatName, shape: 'document' | 'lines', path: readonly string[]): InspectedSource {
    const tables = this.tables.filter((table) => isTablePath(path, table.path) && (table.complete || table.profile.records > 0));
    const taken = new Set(tables.map((table) => table.path.join('.')));
    const leftOut = [...this.#others, ...this.tables.map((table) => table.path.join('.'))].filter((name) => name !== '' && !taken.has(name));
    return {
      source: this.source,
      format,
      tables: tables.map((table) => this.#inspected(table)),
      details: {
        shape, path, charset: this.charset,
        ...(leftOut.length === 0 ? {} : { leftOut: leftOut.slice(0, NAMES_SHOWN) }),
      },
      options: this.options,
      depth: this.depth,
    };
  }

  #inspected(table: FoundTable): InspectedTable {
    const name = table.path.at(-1);
    const rows = this.#estimatedRows(table);
    return {
      ...(name === undefined ? {} : { name: { name } }),
      columns: table.profile.columns(this.options.types),
      ...(rows === undefined ? {} : { estimatedRows: rows }),
    };
  }

  #estimatedRows({ profile, complete, startByte, endByte }: FoundTable): number | undefined {
    const records = profile.records + profile.leftOut;
    if (complete) return records;
    const { bytes } = this.source;
    if (bytes === undefined || endByte <= startByte) return undefined;
    return Math.round((records / (endByte - startByte)) * (bytes - startByte));
  }

  /** @throws SluiceError SOURCE_EMPTY when the source ended without a record, or what should have been one */
  requireRecords(table: FoundTable): void {
    if (table.complete && table.profile.records + table.profile.leftOut === 0) throw new SluiceError('SOURCE_EMPTY', { source: this.source.name }, { file: this.source.name });
  }
}
