/**
 * Finds the arrays of a document that can be tables: the document itself, or arrays under keys. The whole document is checked on the way, and to its end:
 * whoever asks for records gets bad JSON reported as bad JSON, wherever it is.
 */
import type { DocumentCursor } from './document-cursor.ts';
import { CLOSE_ARRAY, CLOSE_OBJECT, COMMA, OPEN_ARRAY, OPEN_OBJECT } from './lexer.ts';

export interface FoundMember {
  /** Keys from the document's root; empty for the root itself. */
  readonly path: readonly string[];
  /** By what is inside: an array whose first element is an object (tolerant, in the root: anything), an empty array, or any other value. */
  readonly kind: 'records' | 'empty' | 'other';
}

/**
 * Yields each array, and each other value, of the objects that `enter` lets it enter, in document order. The window then stands at the value's first byte; who
 * wants the array consumes it wholly before the next pull, what is left alone is skipped.
 * @param tolerant elements that are no records will be left out: a first one must not hide those after it. Only of an array that is the whole document, which can be nothing else
 * @throws SluiceError JSON_MALFORMED
 */
export async function* walkDocument(cursor: DocumentCursor, enter: (path: readonly string[]) => boolean, tolerant = false): AsyncGenerator<FoundMember, void, undefined> {
  if ((await cursor.peek()) === undefined) cursor.lexer.malformed(cursor.lexer.window.pos, 'the document is empty');
  yield* value(cursor, [], enter, tolerant);
  await cursor.endOfDocument();
}

// oxlint-disable-next-line max-params -- only the root has the last
async function* value(cursor: DocumentCursor, path: readonly string[], enter: (path: readonly string[]) => boolean, takesAnyArray = false): AsyncGenerator<FoundMember, void, undefined> {
  const { window } = cursor.lexer;
  const byte = await cursor.peek();
  if (byte === OPEN_OBJECT && enter(path)) {
    yield* members(cursor, path, enter);
    return;
  }
  const start = window.offset(window.pos);
  yield { path, kind: byte === OPEN_ARRAY ? kindOfArray(await cursor.peekInside(), takesAnyArray) : 'other' };
  if (window.offset(window.pos) === start) await cursor.skipValue();
}

async function* members(cursor: DocumentCursor, path: readonly string[], enter: (path: readonly string[]) => boolean): AsyncGenerator<FoundMember, void, undefined> {
  const { lexer } = cursor;
  cursor.step();
  if ((await cursor.peek()) === CLOSE_OBJECT) {
    cursor.step();
    return;
  }
  for (;;) {
    const key = await cursor.key();
    yield* value(cursor, [...path, key], enter);
    const next = await cursor.peek();
    if (next !== COMMA && next !== CLOSE_OBJECT) lexer.fail(lexer.window.pos, 'a comma or }');
    cursor.step();
    if (next === CLOSE_OBJECT) return;
    await cursor.peek();
  }
}

function kindOfArray(first: number | undefined, takesAny: boolean): FoundMember['kind'] {
  if (first === CLOSE_ARRAY) return 'empty';
  return first === OPEN_OBJECT || takesAny ? 'records' : 'other';
}
