import { SluiceError } from '../../errors/sluice-error.ts';
import type { ColumnType } from '../../rows/column-type.ts';
import { COPY_TEXT_UNESCAPED } from '../../rows/copy-text-reader.ts';
import type { Column, TableSchema } from '../../rows/table-schema.ts';
import type { WriteOptions } from '../format.ts';
import { writtenColumns } from './ddl.ts';

const TAB = 0x09, LF = 0x0a, QUOTE = 0x27, OPEN = 0x28, CLOSE = 0x29, COMMA = 0x2c, MINUS = 0x2d, DOT = 0x2e, ZERO = 0x30, NINE = 0x39, SEMICOLON = 0x3b, BACKSLASH = 0x5c;
const LETTER_N = 0x4e, LETTER_t = 0x74, LETTER_x = 0x78;
const NULL = Buffer.from('NULL'), TRUE = Buffer.from('TRUE'), FALSE = Buffer.from('FALSE'), UNHEX = Buffer.from("unhex('"), UNHEX_END = Buffer.from("')");

/** A statement ends when it has so many rows or bytes, whatever comes first: large enough to cost little, small enough for every reader. */
const STATEMENT_ROWS = 500;
const STATEMENT_BYTES = 64 * 1024;
const FULL_BYTES = 128 * 1024;
/** Room for everything of a field besides its text. */
const MARGIN = 64;

/** How a column's text becomes a literal. `bare`: as it is, when it is plain digits. */
const LITERAL_FORM = { quoted: 0, bare: 1, boolean: 2, unhex: 3, left: 4 } as const;

/** 1 for bytes that are the same in copy-text and between quotes. */
const PLAIN = new Uint8Array(256).fill(1);
for (const byte of [TAB, LF, QUOTE, BACKSLASH]) PLAIN[byte] = 0;

/**
 * Turns whole records of copy-text into INSERT statements, in one pass over the bytes. The output buffer is reused; it grows only for a
 * record larger than itself.
 */
export class InsertEncoder {
  rows = 0;
  readonly #head: Uint8Array;
  readonly #forms: Uint8Array;
  #out: Uint8Array = new Uint8Array(FULL_BYTES + STATEMENT_BYTES);
  #at = 0;
  #block: Uint8Array = this.#out;
  /** Rows and bytes of the open statement; 0 rows: none is open. */
  #statementRows = 0;
  #statementBytes = 0;

  // oxlint-disable-next-line max-params -- made in one place
  constructor(table: TableSchema, dialect: NonNullable<WriteOptions['sql']>['dialect'], head: string, creates: boolean) {
    const written = new Set<Column>(writtenColumns(table, creates));
    this.#head = Buffer.from(head);
    this.#forms = Uint8Array.from(table.columns, (column) => (written.has(column) ? formOf(column.type, dialect) : LITERAL_FORM.left));
  }

  get isFull(): boolean {
    return this.#at >= FULL_BYTES;
  }

  /** The statements so far; valid until the next `encode`. */
  take(): Uint8Array {
    const taken = this.#out.subarray(0, this.#at);
    this.#at = 0;
    return taken;
  }

  /** Encodes records of `block` from `from` until the block ends or the output is full. @returns where to go on */
  encode(block: Uint8Array, from: number): number {
    this.#block = block;
    let i = from;
    while (i < block.length && this.#at < FULL_BYTES) {
      const before = this.#at;
      this.#room(this.#head.length + MARGIN);
      if (this.#statementRows === 0) {
        this.#put(this.#head);
      } else {
        this.#out[this.#at++] = COMMA;
        this.#out[this.#at++] = LF;
      }
      i = this.#record(i);
      this.rows++;
      this.#statementRows++;
      this.#statementBytes += this.#at - before;
      if (this.#statementRows >= STATEMENT_ROWS || this.#statementBytes >= STATEMENT_BYTES) this.finish();
    }
    return i;
  }

  /** Ends the open statement. */
  finish(): void {
    if (this.#statementRows === 0) return;
    this.#room(MARGIN);
    this.#out[this.#at++] = SEMICOLON;
    this.#out[this.#at++] = LF;
    this.#statementRows = 0;
    this.#statementBytes = 0;
  }

  #record(from: number): number {
    const block = this.#block;
    const forms = this.#forms;
    let i = from;
    let first = true;
    this.#out[this.#at++] = OPEN;
    for (let field = 0; field < forms.length; field++) {
      if (field > 0 && block[i - 1] !== TAB) this.#refuse(field);
      const form = forms[field];
      if (form === LITERAL_FORM.left) {
        i = this.#pass(i);
        continue;
      }
      this.#room(MARGIN);
      if (first) first = false;
      else this.#out[this.#at++] = COMMA;
      if (block[i] === BACKSLASH && block[i + 1] === LETTER_N && (block[i + 2] === TAB || block[i + 2] === LF)) {
        this.#put(NULL);
        i += 3;
      } else {
        i = this.#field(i, form);
      }
    }
    if (forms.length === 0) i = this.#pass(i);
    if (block[i - 1] !== LF) this.#refuse(forms.length + 1);
    this.#out[this.#at++] = CLOSE;
    return i;
  }

  /** @returns the position after the tab or line end behind the field */
  #field(i: number, form: number): number {
    switch (form) {
      case LITERAL_FORM.bare: return this.#isPlainNumber(i) ? this.#bare(i) : this.#quoted(i);
      case LITERAL_FORM.boolean:
        this.#put(this.#block[i] === LETTER_t ? TRUE : FALSE);
        return this.#pass(i);
      case LITERAL_FORM.unhex: return this.#unhex(i);
      default: return this.#quoted(i);
    }
  }

  /** NaN and Infinity are texts for SQL, and `-0` would lose its sign as a number. */
  #isPlainNumber(i: number): boolean {
    const block = this.#block;
    const first = block[i];
    if (first !== MINUS) return first >= ZERO && first <= NINE;
    let digit = i + 1;
    while (block[digit] === ZERO || block[digit] === DOT) digit++;
    return block[digit] > ZERO && block[digit] <= NINE;
  }

  #bare(from: number): number {
    const block = this.#block;
    let i = from;
    for (;;) {
      const out = this.#out;
      let at = this.#at;
      const stop = Math.min(block.length, i + out.length - at - MARGIN);
      while (i < stop && block[i] !== TAB && block[i] !== LF) out[at++] = block[i++];
      this.#at = at;
      if (i < stop) return i + 1;
      if (i >= block.length) this.#refuse(0);
      this.#grow();
    }
  }

  #quoted(from: number): number {
    const block = this.#block;
    let i = from;
    this.#out[this.#at++] = QUOTE;
    for (;;) {
      const out = this.#out;
      let at = this.#at;
      // Quotes are doubled; nothing else becomes longer.
      const stop = Math.min(block.length, i + ((out.length - at - MARGIN) >> 1));
      while (i < stop) {
        const byte = block[i];
        if (PLAIN[byte] === 1) {
          out[at++] = byte;
          i++;
        } else if (byte === QUOTE) {
          out[at++] = QUOTE;
          out[at++] = QUOTE;
          i++;
        } else if (byte === BACKSLASH) {
          out[at++] = COPY_TEXT_UNESCAPED[block[i + 1]];
          i += 2;
        } else {
          out[at++] = QUOTE;
          this.#at = at;
          return i + 1;
        }
      }
      this.#at = at;
      if (i >= block.length) this.#refuse(0);
      this.#grow();
    }
  }

  /** `\\x4142` of copy-text as unhex('4142'). */
  #unhex(from: number): number {
    const block = this.#block;
    if (block[from] !== BACKSLASH || block[from + 1] !== BACKSLASH || block[from + 2] !== LETTER_x) return this.#quoted(from);
    this.#put(UNHEX);
    const next = this.#bare(from + 3);
    this.#put(UNHEX_END);
    return next;
  }

  /** @returns the position after the tab or line end behind the field at `from`, which is not written */
  #pass(from: number): number {
    const block = this.#block;
    let i = from;
    while (i < block.length && block[i] !== TAB && block[i] !== LF) i++;
    return i + 1;
  }

  #put(bytes: Uint8Array): void {
    const out = this.#out;
    let at = this.#at;
    for (let i = 0; i < bytes.length; i++) out[at++] = bytes[i];
    this.#at = at;
  }

  #room(count: number): void {
    while (this.#at + count + MARGIN > this.#out.length) this.#grow();
  }

  #grow(): void {
    const grown = new Uint8Array(this.#out.length * 2);
    grown.set(this.#out.subarray(0, this.#at));
    this.#out = grown;
  }

  #refuse(found: number): never {
    throw new SluiceError('INTERNAL', { reason: `a copy-text record has not the ${this.#forms.length} fields of its table (at field ${found})` });
  }
}

function formOf(type: ColumnType, dialect: NonNullable<WriteOptions['sql']>['dialect']): number {
  switch (type.kind) {
    case 'integer': return LITERAL_FORM.bare;
    // DuckDB reads 0.1 as a decimal of a few digits first; as text it is read as what the column is.
    case 'numeric': case 'float': return dialect === 'postgres' ? LITERAL_FORM.bare : LITERAL_FORM.quoted;
    case 'boolean': return LITERAL_FORM.boolean;
    case 'bytes': return dialect === 'postgres' ? LITERAL_FORM.quoted : LITERAL_FORM.unhex;
    default: return LITERAL_FORM.quoted;
  }
}
