import type { JsonLexer } from './lexer.ts';
import type { RecordConsumer } from './record-sequence.ts';
import { ValueScanner } from './value-scanner.ts';

/** Checks records and keeps nothing of them; the sequence counts them. */
export class RecordSkipper implements RecordConsumer {
  readonly full = false;
  readonly #scanner: ValueScanner;

  constructor(lexer: JsonLexer) {
    this.#scanner = new ValueScanner(lexer);
  }

  record(i: number): number {
    return this.#scanner.scan(i);
  }

  undo(): void {}
}
