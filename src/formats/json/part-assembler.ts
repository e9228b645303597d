/** Collects transcoded records until a part is full. */
import { LeftOut, REJECTION_BYTES, type RecordProblem } from '../left-out.ts';
import { ByteBuffer } from './byte-buffer.ts';
import type { JsonLexer } from './lexer.ts';
import { RecordPlaces, type RecordSpan } from './record-places.ts';
import type { RecordConsumer } from './record-sequence.ts';
import type { RecordTranscoder } from './record-transcoder.ts';

/** Bytes of an average record, for the first guess of how many fit into a part. */
const GUESSED_RECORD = 64;

export class PartAssembler implements RecordConsumer {
  readonly #lexer: JsonLexer;
  readonly #transcoder: RecordTranscoder;
  readonly #partBytes: number;
  #buffer = new ByteBuffer(0);
  /** The end of the last record that is one. */
  #mark = 0;
  #places: RecordPlaces;
  #leftOut = new LeftOut();

  /** @param usualBytes what a part has at most where the source is small */
  constructor(lexer: JsonLexer, transcoder: RecordTranscoder, partBytes: number, usualBytes: number) {
    this.#lexer = lexer;
    this.#transcoder = transcoder;
    this.#partBytes = partBytes;
    this.#places = new RecordPlaces(Math.ceil(usualBytes / GUESSED_RECORD));
  }

  /** Starts a part in this (empty) buffer. */
  begin(buffer: ByteBuffer): void {
    this.#buffer = buffer;
    this.#transcoder.out = buffer;
    this.#mark = 0;
    if (this.#places.count > 0) this.#places = new RecordPlaces(this.#places.count);
    if (this.#leftOut.rejections.length > 0) this.#leftOut = new LeftOut();
  }

  /** Of all records, also those that were left out. */
  get places(): RecordPlaces {
    return this.#places;
  }

  get leftOut(): LeftOut {
    return this.#leftOut;
  }

  get full(): boolean {
    return this.#buffer.length + this.#leftOut.rejections.length * REJECTION_BYTES >= this.#partBytes;
  }

  record(i: number): number {
    return this.#transcoder.record(i);
  }

  accept(begin: number, end: number, line: number): void {
    const { window } = this.#lexer;
    this.#mark = this.#buffer.length;
    this.#places.add(window.offset(begin), line, window.offset(end));
  }

  undo(): void {
    this.#buffer.length = this.#mark;
  }

  leaveOut(problem: RecordProblem, { byte, line, end }: RecordSpan): void {
    this.#places.add(byte, line, end);
    this.#leftOut.add(this.#places.count, problem);
  }
}
