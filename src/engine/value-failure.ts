/**
 * How an expression tells which value it refuses: the engine's `error()` carries only a text, so the facts are packed into
 * that text behind a mark, and engine-errors.ts takes them out again.
 */
import { quoteString } from './quoting.ts';

const MARK = '@sluice-value@';
/** Unit separator: does not occur in column names or type names that anybody uses, and the value comes last. */
const SEPARATOR = '\u001f';

/** Values in messages are cut: an error is not the place for a document. */
const SHOWN_CHARACTERS = 60;

interface ValueFailure {
  readonly column: string;
  readonly type: string;
  readonly value: string;
  /** Record number (from 1) within what the statement read, when the statement numbers its records. */
  readonly record?: number;
}

/** An expression that fails with the facts. `value` is the SQL of the refused text, `record` the SQL of its number. */
export function failWith(column: string, type: string, value: string, record: string | undefined): string {
  const facts = [quoteString(MARK + column), quoteString(type), record === undefined ? "''" : `${record}::VARCHAR`];
  return `error(concat(${facts.join(`, ${quoteString(SEPARATOR)}, `)}, ${quoteString(SEPARATOR)}, left(${value}, ${SHOWN_CHARACTERS})))`;
}

export function valueFailureOf(message: string): ValueFailure | undefined {
  const start = message.indexOf(MARK);
  if (start < 0) return undefined;
  const [column, type, record, ...value] = message.slice(start + MARK.length).split(SEPARATOR);
  return { column, type, value: value.join(SEPARATOR), ...(record === '' ? {} : { record: Number(record) }) };
}
