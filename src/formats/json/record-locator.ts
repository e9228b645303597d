/**
 * Finds records again by their numbers, from the point at which their part begins: a few rejected ones need their places only, and passing over the others
 * costs a fraction of writing them once more. Counts as the reading did (reader.ts): what was left out is a record, too.
 */
import type { RecordPlace } from '../../rows/rejection.ts';
import type { InspectedSource, LocateRequest, ReadingPoint, RecordLocator } from '../format.ts';
import type { ByteWindow } from './byte-window.ts';
import { layoutOf } from './layout.ts';
import type { JsonLexer } from './lexer.ts';
import { openWindow } from './open-window.ts';
import type { RecordSpan } from './record-places.ts';
import { RecordSequence, type RecordConsumer } from './record-sequence.ts';
import type { RecordProblem } from '../left-out.ts';
import { ValueScanner } from './value-scanner.ts';

export async function locateRecords(inspected: InspectedSource, point: ReadingPoint, { signal, tolerant }: LocateRequest): Promise<RecordLocator> {
  const layout = layoutOf(inspected);
  const { lexer, close } = await openWindow(inspected.source, layout.charset, inspected.options, signal, { start: point.byte });
  lexer.strictLines = inspected.format === 'ndjson';
  lexer.tolerant = tolerant;
  lexer.line = point.line;
  const sequence = new RecordSequence(lexer, layout.shape === 'lines' ? 'lines' : 'array', tolerant, point.array!.begun);
  const finder = new RecordFinder(lexer);
  return {
    find: async (record): Promise<RecordPlace | undefined> => {
      finder.wanted = record;
      await sequence.runAll(finder);
      return finder.found === undefined ? undefined : { file: inspected.source.name, row: point.rows + record, line: finder.found.line, byte: finder.found.byte, endByte: finder.found.end };
    },
    close,
  };
}

class RecordFinder implements RecordConsumer {
  readonly #lexer: JsonLexer<ByteWindow>;
  readonly #scanner: ValueScanner;
  #count = 0;
  #wanted = 0;
  #span: RecordSpan | undefined;

  constructor(lexer: JsonLexer<ByteWindow>) {
    this.#lexer = lexer;
    this.#scanner = new ValueScanner(lexer);
  }

  /** From 1, not before the last one. */
  set wanted(record: number) {
    if (record !== this.#wanted) this.#span = undefined;
    this.#wanted = record;
  }

  get found(): RecordSpan | undefined {
    return this.#span;
  }

  get full(): boolean {
    return this.#count >= this.#wanted;
  }

  record(i: number): number {
    return this.#scanner.scan(i);
  }

  undo(): void {}

  accept(begin: number, end: number, line: number): void {
    if (++this.#count !== this.#wanted) return;
    const { window } = this.#lexer;
    this.#span = { byte: window.offset(begin), line, end: window.offset(end) };
  }

  leaveOut(_problem: RecordProblem, span: RecordSpan): void {
    if (++this.#count === this.#wanted) this.#span = span;
  }
}
