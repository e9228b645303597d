import type { CopyTextBuilder } from '../../rows/copy-text-builder.ts';
import type { ByteWindow, RecordSpan } from './byte-window.ts';
import { toUtf8 } from './charset.ts';
import type { LexicalRules } from './dialect.ts';
import { MAX_VALUES } from './insert-parser.ts';
import { TREATMENT, type RowPlan } from './row-plan.ts';
import { BACKSLASH } from './string-literal.ts';
import { appendUtf8 } from './value-text.ts';
import { copyUnescaped } from '../../rows/copy-text-reader.ts';

const LF = 0x0a, CR = 0x0d, TAB = 0x09, DOT = 0x2e, LETTER_N = 0x4e;

/** Where the rows of a data statement go. */
export interface RowSink {
  readonly plan: RowPlan;
  /** May be another one after every `record` that answered true. */
  readonly out: CopyTextBuilder;
  /** Another statement for this sink begins, after statements for others. */
  resume(): void;
  /** A record was written to `out`. @returns true when the buffers have to be emptied before more comes */
  record(place: RecordSpan, kinds: Uint16Array, values: number): boolean;
  /** A record with another number of values was not written; only where the reading is tolerant. @returns as `record` */
  leaveOut(place: RecordSpan, reason: string): boolean;
}

export type BlockState = 'more' | 'full' | 'done';

const NO_KINDS = new Uint16Array(0);

/**
 * The lines after COPY … FROM stdin, up to `\.`. They are copy-text already: where all fields are wanted as they are, whole runs of lines are
 * copied and nothing is looked at but line ends and backslashes.
 */
export class CopyBlock {
  readonly #window: ByteWindow;
  readonly #rules: LexicalRules;
  /** Where the fields of a line are, when they have to be taken apart. */
  readonly #from = new Float64Array(MAX_VALUES);
  readonly #to = new Float64Array(MAX_VALUES);
  /** Line ends in the line that #lineStop found: more than one when some are data. */
  #lines = 1;
  readonly #tolerant: boolean;
  /** What is wrong with the line that was not written. */
  #unfit: string | undefined;

  /** @param tolerant lines with another number of fields are left out, where they have to be taken apart */
  constructor(window: ByteWindow, rules: LexicalRules, tolerant = false) {
    this.#tolerant = tolerant;
    this.#window = window;
    this.#rules = rules;
  }

  /** Reads lines from the window's start until it is used up, the sink is full, or the block ends. @throws SluiceError SQL_MALFORMED */
  run(sink: RowSink): BlockState {
    const window = this.#window;
    const { bytes, end, ended } = window;
    for (;;) {
      const { start } = window;
      const stop = this.#lineStop(start);
      if (stop === -1) {
        if (ended && isEndMark(bytes, start, end)) {
          window.consume(end);
          return 'done';
        }
        return 'more';
      }
      if (isEndMark(bytes, start, stop)) {
        window.consumeLines(stop, 1);
        return 'done';
      }
      window.checkRecord(stop);
      this.#unfit = undefined;
      this.#line(start, stop, sink);
      const span = window.span(stop - (stop - start > 1 && bytes[stop - 2] === CR ? 2 : 1));
      const full = this.#unfit === undefined ? sink.record(span, NO_KINDS, 0) : sink.leaveOut(span, this.#unfit);
      window.consumeLines(stop, this.#lines);
      if (full) return 'full';
    }
  }

  /** Fields of the line at the window's start; 0 when the block has no line; undefined when the window has not all of it. */
  probe(): number | undefined {
    const { bytes, start } = this.#window;
    const stop = this.#lineStop(start);
    if (stop === -1) return undefined;
    if (isEndMark(bytes, start, stop)) return 0;
    let fields = 1;
    for (let i = start; i < stop; i++) if (bytes[i] === TAB) fields++;
    return fields;
  }

  /** The position after the line end, or -1. A backslash before a line end makes it part of the data. */
  #lineStop(start: number): number {
    const { bytes, end } = this.#window;
    this.#lines = 1;
    for (let i = start; i < end; i++) {
      const byte = bytes[i];
      if (byte === LF) return i + 1;
      if (byte === BACKSLASH) {
        // The end mark is a backslash and a dot at the end of its line.
        if (bytes[i + 1] === DOT && i === start) continue;
        i++;
        if (bytes[i] === LF) this.#lines++;
      }
    }
    return -1;
  }

  #line(start: number, stop: number, sink: RowSink): void {
    const { bytes } = this.#window;
    const { out, plan } = sink;
    const carriage = stop - start > 1 && bytes[stop - 2] === CR;
    if (plan.raw && !carriage && this.#lines === 1) {
      out.reserve(stop - start);
      if (stop - start < 48) {
        let at = out.length;
        for (let i = start; i < stop; i++) out.bytes[at++] = bytes[i]!;
      } else {
        out.bytes.set(bytes.subarray(start, stop), out.length);
      }
      out.length += stop - start;
      out.records++;
      return;
    }
    this.#fields(start, carriage ? stop - 2 : stop - 1, plan, out);
  }

  /** Takes the fields apart, and puts those that are wanted where they belong. */
  #fields(start: number, stop: number, plan: RowPlan, out: CopyTextBuilder): void {
    const { bytes } = this.#window;
    let value = 0;
    for (let at = start; at <= stop; value++) {
      let i = at;
      while (i < stop && bytes[i] !== TAB) i += bytes[i] === BACKSLASH ? 2 : 1;
      if (value >= this.#from.length) throw this.#window.malformed(`a line of COPY has more than ${value} fields`, start);
      this.#from[value] = at;
      this.#to[value] = Math.min(i, stop);
      at = i + 1;
    }
    if (plan.count !== -1 && value !== plan.count && !(plan.count === 0 && start === stop)) {
      const reason = `a line of COPY has ${value} fields, and ${plan.count} were expected`;
      if (!this.#tolerant) throw this.#window.malformed(reason, start);
      this.#unfit = reason;
      return;
    }
    for (let field = 0; field < plan.fields; field++) {
      if (field > 0) out.endField();
      const taken = plan.valueOf[field];
      if (taken === -1 || isNull(bytes, this.#from[taken], this.#to[taken])) out.appendNull();
      else this.#field(this.#from[taken], this.#to[taken], plan.treatment[taken], out);
    }
    out.endRecord();
  }

  #field(start: number, stop: number, treatment: number, out: CopyTextBuilder): void {
    const { bytes } = this.#window;
    if (treatment <= TREATMENT.bytes && this.#rules.charset === 'utf-8' && !hasLineEnd(bytes, start, stop)) {
      out.appendRaw(bytes, start, stop);
      return;
    }
    const text = new Uint8Array(stop - start);
    const length = copyUnescaped(bytes, start, stop, text, 0);
    const value = toUtf8(text, 0, length, this.#rules.charset);
    appendUtf8(value, treatment, out);
  }
}

function isEndMark(bytes: Uint8Array, start: number, stop: number): boolean {
  if (bytes[start] !== BACKSLASH || bytes[start + 1] !== DOT) return false;
  return stop - start === 2 || bytes[start + 2] === LF || bytes[start + 2] === CR;
}

function isNull(bytes: Uint8Array, start: number, stop: number): boolean {
  return stop - start === 2 && bytes[start] === BACKSLASH && bytes[start + 1] === LETTER_N;
}

function hasLineEnd(bytes: Uint8Array, start: number, stop: number): boolean {
  for (let i = start; i < stop; i++) if (bytes[i] === LF) return true;
  return false;
}
