/** Collects transcoded records until a part is full. */
import { ByteBuffer } from './byte-buffer.ts';
import type { JsonLexer } from './lexer.ts';
import { RecordPlaces } from './record-places.ts';
import type { RecordConsumer } from './record-sequence.ts';
import type { RecordTranscoder } from './record-transcoder.ts';

/** Bytes of an average record, for the first guess of how many fit into a part. */
const GUESSED_RECORD = 64;

export class PartAssembler implements RecordConsumer {
  readonly #lexer: JsonLexer;
  readonly #transcoder: RecordTranscoder;
  readonly #partBytes: number;
  #buffer = new ByteBuffer(0);
  #mark = 0;
  #places: RecordPlaces;

  constructor(lexer: JsonLexer, transcoder: RecordTranscoder, partBytes: number) {
    this.#lexer = lexer;
    this.#transcoder = transcoder;
    this.#partBytes = partBytes;
    this.#places = new RecordPlaces(Math.ceil(partBytes / GUESSED_RECORD));
  }

  /** Starts a part in this (empty) buffer. */
  begin(buffer: ByteBuffer): void {
    this.#buffer = buffer;
    this.#transcoder.out = buffer;
    this.#mark = 0;
    if (this.#places.count > 0) this.#places = new RecordPlaces(this.#places.count);
  }

  get places(): RecordPlaces {
    return this.#places;
  }

  get full(): boolean {
    return this.#buffer.length >= this.#partBytes;
  }

  record(i: number): number {
    this.#mark = this.#buffer.length;
    const { line } = this.#lexer;
    const end = this.#transcoder.record(i);
    this.#places.add(this.#lexer.window.offset(i), line);
    return end;
  }

  undo(): void {
    this.#buffer.length = this.#mark;
  }
}
