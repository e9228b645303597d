/**
 * Writes the records of a cursor in the encoding that the target wants: fields chosen and ordered, quotes taken off and put on, text turned into
 * UTF-8. The lane for everything that cannot pass as it is.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ColumnType } from '../../rows/column-type.ts';
import { CopyTextBuilder } from '../../rows/copy-text-builder.ts';
import type { RowEncoding } from '../../rows/row-encoding.ts';
import type { BoundField } from '../format.ts';
import { problemOf, type RecordProblem } from '../left-out.ts';
import { arrayToJson, arrayToPostgres } from '../sql/array-text.ts';
import { firstInvalidUtf8, SingleByteDecoder, type Charset } from './charset.ts';
import { CsvBuilder } from './csv-builder.ts';
import type { RecordCursor } from './record-cursor.ts';
import { QUOTED } from './record-parser.ts';

/** What a field becomes: the source's field number (-1: always NULL), and whether it is an array to translate. */
interface EncodedField {
  readonly index: number;
  readonly array: ((text: Uint8Array) => Uint8Array) | undefined;
}

export interface EncoderOptions {
  readonly columns: readonly string[];
  readonly fields: readonly BoundField[];
  readonly encoding: RowEncoding;
  readonly charset: Charset;
  readonly file: string;
  readonly table: string;
  /** What else is wrong with a record; may throw it. */
  readonly misfit?: (cursor: RecordCursor) => RecordProblem | undefined;
}

export class RecordEncoder {
  readonly #builder: CopyTextBuilder | CsvBuilder;
  readonly #fields: readonly EncodedField[];
  readonly #options: EncoderOptions;
  readonly #decoder: SingleByteDecoder | undefined;
  #decodes = false;
  #scratch = Buffer.alloc(4096);
  #decoded = Buffer.alloc(4096);

  constructor(options: EncoderOptions) {
    const { encoding, charset } = options;
    this.#options = options;
    this.#builder = encoding.kind === 'csv' ? new CsvBuilder(encoding, options.fields.length) : new CopyTextBuilder();
    const single = charset === 'latin1' || charset === 'windows-1252';
    const sameSet = encoding.kind === 'csv' && encoding.charset === charset;
    this.#decoder = single && !sameSet ? new SingleByteDecoder(charset) : undefined;
    this.#fields = options.fields.map((field) => ({ index: field.absent === true ? -1 : options.columns.indexOf(field.source), array: arrayTranslation(field) }));
  }

  /** Records in what the last `encode` returned. */
  get records(): number {
    return this.#builder.records;
  }

  /** Encodes all complete records that the cursor has; the bytes are valid until the next call. @throws as RecordCursor.next, ENCODING_INVALID, NUL_BYTE */
  encode(cursor: RecordCursor, final: boolean): Uint8Array {
    const builder = this.#builder;
    builder.reset();
    this.#decodes = this.#decoder !== undefined && !isAscii(cursor.content);
    const { misfit } = this.#options;
    while (cursor.next(final)) {
      misfit?.(cursor);
      this.#encodeRecord(cursor);
    }
    this.#checkText(cursor);
    return builder.view();
  }

  /** As `encode`, of a tolerant cursor: records that are none are told to `leaveOut`, at the moment the cursor is there. */
  encodeFit(cursor: RecordCursor, final: boolean, leaveOut: (problem: RecordProblem) => void): Uint8Array {
    const builder = this.#builder;
    builder.reset();
    const plain = isAscii(cursor.content);
    this.#decodes = this.#decoder !== undefined && !plain;
    const suspicious = !plain || cursor.content.includes(0);
    const { misfit } = this.#options;
    while (cursor.next(final)) {
      const problem = cursor.problem ?? (suspicious ? this.#textProblem(cursor) : undefined) ?? misfit?.(cursor);
      if (problem === undefined) this.#encodeRecord(cursor);
      else leaveOut(problem);
    }
    return builder.view();
  }

  #textProblem({ bytes, recordStart, recordEnd }: RecordCursor): RecordProblem | undefined {
    const { charset, file, table } = this.#options;
    if (bytes.subarray(recordStart, recordEnd).includes(0)) return problemOf('NUL_BYTE', { source: file, target: table });
    const valid = this.#decoder !== undefined ? this.#decoder.firstInvalid(bytes, recordStart, recordEnd) < 0 : charset !== 'utf-8' || isUtf8(bytes.subarray(recordStart, recordEnd));
    return valid ? undefined : problemOf('ENCODING_INVALID', { source: file, encoding: charset });
  }

  #encodeRecord(cursor: RecordCursor): void {
    const builder = this.#builder;
    const { parser, bytes } = cursor;
    const fields = this.#fields;
    for (let i = 0; i < fields.length; i++) {
      const { index, array } = fields[i];
      if (i > 0) builder.endField();
      if (index < 0 || parser.isNull(index, bytes)) builder.appendNull();
      else if (array === undefined && !this.#decodes && parser.kinds[index] <= QUOTED) builder.appendText(bytes, parser.starts[index], parser.ends[index]);
      else this.#appendCopied(cursor, index, array);
    }
    builder.endRecord();
  }

  #appendCopied(cursor: RecordCursor, index: number, array: EncodedField['array']): void {
    const { parser } = cursor;
    const room = parser.ends[index] - parser.starts[index];
    if (room > this.#scratch.length) this.#scratch = Buffer.alloc(room * 2);
    let length = parser.copyText(index, cursor.bytes, this.#scratch, 0);
    let text = this.#scratch;
    if (this.#decodes) {
      if (room * 3 > this.#decoded.length) this.#decoded = Buffer.alloc(room * 6);
      length = Math.max(0, this.#decoder!.convert(text, length, this.#decoded));
      text = this.#decoded;
    }
    const translated = array === undefined ? text : array(text.subarray(0, length));
    this.#builder.appendText(translated, 0, array === undefined ? length : translated.length);
  }

  /** What the database would check on a byte lane, for a whole batch at once: bytes without meaning, and NUL. */
  #checkText(cursor: RecordCursor): void {
    const { from, to } = cursor.batch;
    if (from === to) return;
    const { charset, file, table } = this.#options;
    const nul = cursor.bytes.subarray(from, to).indexOf(0);
    if (nul >= 0) throw new SluiceError('NUL_BYTE', { source: file, target: table }, cursor.placeInBatch(from + nul));
    const invalid = this.#decoder !== undefined ? this.#decoder.firstInvalid(cursor.bytes, from, to) : charset === 'utf-8' ? firstInvalidUtf8(cursor.bytes, from, to) : -1;
    if (invalid >= 0) throw new SluiceError('ENCODING_INVALID', { source: file, encoding: charset }, cursor.placeInBatch(invalid));
  }
}

function arrayTranslation({ type, arrays }: BoundField): EncodedField['array'] {
  if (type.kind !== 'array') return undefined;
  return arrays === 'postgres' ? arrayToPostgres : (text) => arrayToJson(text, elementsOf(type.element));
}

function elementsOf(type: ColumnType): 'text' | 'number' | 'boolean' {
  if (type.kind === 'array') return elementsOf(type.element);
  if (type.kind === 'boolean') return 'boolean';
  return type.kind === 'integer' || type.kind === 'numeric' || type.kind === 'float' ? 'number' : 'text';
}
