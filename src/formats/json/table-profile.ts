/**
 * Detects the columns of a table from its records: the union of their keys in order of first appearance, and for each key the narrowest type that keeps
 * every value that was seen exactly. Values of different kinds under one key (a number here, a string there) make the column json, because text
 * would no longer tell 1 from "1"; so do objects and arrays.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { TEXT, type ColumnType } from '../../rows/column-type.ts';
import { TypeInference } from '../../rows/infer-type.ts';
import type { Column } from '../../rows/table-schema.ts';
import { KeyIndex } from './key-index.ts';
import { CLOSE_OBJECT, COMMA, LETTER_F, LETTER_N, LETTER_T, OPEN_ARRAY, OPEN_OBJECT, QUOTE, type JsonLexer } from './lexer.ts';
import type { RecordSpan } from './record-places.ts';
import type { RecordConsumer } from './record-sequence.ts';
import { scanScalar, ValueScanner } from './value-scanner.ts';

/** More different keys than any table has columns: the objects are maps, not records. */
const MAX_KEYS = 20_000;

/** Kinds of values, as bits. */
const BOOLEAN = 1, NUMBER = 2, STRING = 4, NESTED = 8;

/** What was seen under one key. */
class KeyProfile {
  kinds = 0;
  readonly numbers = new TypeInference();
  readonly strings = new TypeInference();

  type(): ColumnType {
    switch (this.kinds) {
      case 0: return TEXT;
      case BOOLEAN: return { kind: 'boolean' };
      case NUMBER: return this.#numberType();
      case STRING: return this.#stringType();
      default: return { kind: 'json' };
    }
  }

  /** Numbers that no number type keeps (a negative zero beside many digits) stay what they are in json. */
  #numberType(): ColumnType {
    const type = this.numbers.result();
    return type.kind === 'text' ? { kind: 'json' } : type;
  }

  /** Dates, timestamps and UUIDs; numbers and truth in quotes stay text, because `"007"` is not 7. */
  #stringType(): ColumnType {
    const type = this.strings.result();
    return type.kind === 'date' || type.kind === 'timestamp' || type.kind === 'uuid' ? type : TEXT;
  }
}

export class TableProfile {
  readonly names: string[] = [];
  /** In the order of `names`. */
  readonly keys: KeyProfile[] = [];
  records = 0;
  /** Records that are none, where they may be. */
  leftOut = 0;

  add(name: string): void {
    this.names.push(name);
    this.keys.push(new KeyProfile());
  }

  /** @param types said by the user, by field name */
  columns(types: Readonly<Record<string, ColumnType>> | undefined): Column[] {
    return this.names.map((name, index): Column => {
      const said = types !== undefined && Object.hasOwn(types, name) ? types[name] : undefined;
      return { name, type: said ?? this.keys[index].type(), nullable: true };
    });
  }
}

/** Adds records to a profile. A record seen twice changes nothing but the count, so a record that was cut off needs no undoing. */
export class RecordProfiler implements RecordConsumer {
  full = false;
  readonly #lexer: JsonLexer;
  readonly #scanner: ValueScanner;
  readonly #profile: TableProfile;
  readonly #keys: KeyIndex;
  readonly #until: number;

  /** @param until offset in the source from which on no record is wanted, once there was one */
  constructor(lexer: JsonLexer, profile: TableProfile, until: number) {
    this.#lexer = lexer;
    this.#scanner = new ValueScanner(lexer);
    this.#profile = profile;
    this.#keys = new KeyIndex(lexer, profile.names);
    this.#until = until;
  }

  undo(): void {}

  record(i: number): number {
    const lexer = this.#lexer;
    const { bytes } = lexer.window;
    this.#keys.startRecord();
    i = lexer.blanks(i + 1);
    while (bytes[i] !== CLOSE_OBJECT) {
      if (bytes[i] !== QUOTE) lexer.fail(i, 'a key in quotes');
      let key = this.#keys.find(i);
      if (key < 0) key = this.#add(i);
      i = this.#value(this.#keys.value, this.#profile.keys[key]);
      i = lexer.blanks(i);
      if (bytes[i] === COMMA) {
        i = lexer.blanks(i + 1);
        if (bytes[i] !== QUOTE) lexer.fail(i, 'a key in quotes');
      } else if (bytes[i] !== CLOSE_OBJECT) {
        lexer.fail(i, 'a comma or }');
      }
    }
    this.#profile.records++;
    this.full = lexer.window.offset(i) >= this.#until;
    return i + 1;
  }

  /** Notes the value at `i`; returns the position after it. */
  #value(i: number, profile: KeyProfile): number {
    const lexer = this.#lexer;
    const { bytes } = lexer.window;
    const byte = bytes[i];
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      const end = this.#scanner.scan(i);
      profile.kinds |= NESTED;
      return end;
    }
    const end = scanScalar(lexer, i);
    if (byte === QUOTE) {
      profile.kinds |= STRING;
      profile.strings.see(bytes, i + 1, end - 1);
    } else if (byte === LETTER_T || byte === LETTER_F) {
      profile.kinds |= BOOLEAN;
    } else if (byte !== LETTER_N) {
      profile.kinds |= NUMBER;
      profile.numbers.see(bytes, i, end);
    }
    return end;
  }

  #add(i: number): number {
    const lexer = this.#lexer;
    const name = this.#keys.text(i);
    const source = lexer.window.options.sourceName;
    if (!name.isWellFormed()) throw new SluiceError('ENCODING_INVALID', { source, encoding: 'Unicode (half of a surrogate pair)' }, lexer.place(i));
    if (name.includes('\0')) throw new SluiceError('NUL_BYTE', { source, target: 'the name of a column' }, lexer.place(i));
    if (this.#profile.names.length === MAX_KEYS) {
      throw new SluiceError('JSON_NOT_RECORDS', { source, reason: `the objects have more than ${MAX_KEYS} different keys` }, lexer.place(i));
    }
    this.#profile.add(name);
    return this.#keys.add(name);
  }
}

/** @param tolerant records that are none will be left out when they are read: they say nothing of columns and types */
// oxlint-disable-next-line max-params -- what a profiler needs, and which
export function profilerOf(lexer: JsonLexer, profile: TableProfile, until: number, tolerant: boolean | undefined): RecordConsumer {
  const profiler = new RecordProfiler(lexer, profile, until);
  return tolerant === true ? new TolerantProfiler(lexer, profile, profiler, until) : profiler;
}

/** Profiles a record only when all of it has been found to be one: half of a broken line would add keys and types that no row has. */
class TolerantProfiler implements RecordConsumer {
  readonly #lexer: JsonLexer;
  readonly #scanner: ValueScanner;
  readonly #profile: TableProfile;
  readonly #profiler: RecordProfiler;
  readonly #until: number;
  #full = false;

  // oxlint-disable-next-line max-params -- made in one place
  constructor(lexer: JsonLexer, profile: TableProfile, profiler: RecordProfiler, until: number) {
    this.#lexer = lexer;
    this.#scanner = new ValueScanner(lexer);
    this.#profile = profile;
    this.#profiler = profiler;
    this.#until = until;
  }

  get full(): boolean {
    return this.#full || this.#profiler.full;
  }

  record(i: number): number {
    return this.#scanner.scan(i);
  }

  accept(begin: number, end: number, line: number): void {
    const record = this.#lexer.window.bytes.subarray(begin, end);
    if (Buffer.from(record.buffer, record.byteOffset, record.length).includes('\\u')) this.#needText(record);
    this.#lexer.line = line;
    this.#profiler.record(begin);
  }

  /** Escapes can mean what no text can have; it is found when the value is transcoded. */
  #needText(record: Uint8Array): void {
    for (const value of Object.values(JSON.parse(Buffer.from(record).toString()) as object)) {
      if (typeof value === 'string' && (!value.isWellFormed() || value.includes('\0'))) throw new SluiceError('ENCODING_INVALID', { source: this.#lexer.window.options.sourceName, encoding: 'Unicode' });
    }
  }

  undo(): void {}

  leaveOut(_problem: unknown, { end }: RecordSpan): void {
    this.#profile.leftOut++;
    this.#full = this.#profile.records > 0 && end >= this.#until;
  }
}
