import type { ByteWindow } from './byte-window.ts';
import type { LexicalRules } from './dialect.ts';
import { NEED_MORE } from './string-literal.ts';
import { readNameList, readTableRef, TokenCursor, type TableRef } from './table-ref.ts';
import { TokenReader, type Token } from './tokens.ts';

/** What a data statement says before its rows. */
export interface DataHead {
  readonly table: TableRef;
  /** Absent: the columns of the table, in its order. */
  readonly columns?: readonly string[];
}

/** A head longer than this is no head: nothing has so many columns. */
const MAX_HEAD = 4 * 1024 * 1024;
const BODY_WORDS: ReadonlySet<string> = new Set(['VALUES', 'VALUE', 'SELECT', 'WITH', 'DEFAULT', 'SET', 'TABLE', 'OUTPUT', 'EXEC', 'EXECUTE', 'ALL', 'FIRST']);

/**
 * INSERT or REPLACE from the window's start up to VALUES.
 * @returns the head and the position behind VALUES, or NEED_MORE
 * @throws SluiceError SQL_MALFORMED for INSERT … SELECT and its like
 */
export function readInsertHead(window: ByteWindow, rules: LexicalRules): { head: DataHead; next: number } | typeof NEED_MORE {
  const reader = new TokenReader(window.bytes, window.start, window.end, rules, window.ended);
  const tokens: Token[] = [];
  let token: ReturnType<TokenReader['next']>;
  do {
    token = reader.next();
    if (token === NEED_MORE || token === undefined) {
      if (window.ended) throw window.malformed('an INSERT ends before its VALUES', window.start);
      if (window.end - window.start > MAX_HEAD) throw window.malformed('an INSERT has no VALUES', window.start);
      return NEED_MORE;
    }
    tokens.push(token);
  } while (!endsHead(token, tokens));
  const head = parseInsertHead(new TokenCursor(tokens), rules);
  if (head === undefined) {
    const shown = tokens.map((one) => one.text).join(' ').slice(0, 80);
    throw window.malformed(`only INSERT … VALUES is read, and this is "${shown}"; import such rows with a database`, window.start);
  }
  return { head, next: token.end };
}

/** `(SELECT …)` may come in parentheses; `default`, `set`, `all` and `first` may be names of tables or columns. */
function endsHead(token: Token, tokens: readonly Token[]): boolean {
  if (token.kind === 'symbol' && token.text === ';') return true;
  if (token.kind !== 'word' || !BODY_WORDS.has(token.keyword)) return false;
  const before = tokens.at(-2);
  const afterName = before !== undefined && (before.text === ')' || before.kind === 'name' || (before.kind === 'word' && before.keyword !== 'INTO'));
  // OVERRIDING SYSTEM VALUE
  if (token.keyword === 'VALUE' && (before?.keyword === 'SYSTEM' || before?.keyword === 'USER')) return false;
  return token.keyword === 'SELECT' || (token.keyword === 'WITH' && before?.text === '(') || afterName;
}

function parseInsertHead(cursor: TokenCursor, rules: LexicalRules): DataHead | undefined {
  if (cursor.takeAny('INSERT', 'REPLACE') === undefined) return undefined;
  while (cursor.takeAny('LOW_PRIORITY', 'DELAYED', 'HIGH_PRIORITY', 'IGNORE') !== undefined);
  if (cursor.take('OR')) cursor.at++;
  cursor.take('INTO');
  const table = readTableRef(cursor, rules);
  if (table === undefined) return undefined;
  let columns: readonly string[] | undefined;
  if (cursor.take('(')) {
    columns = readNameList(cursor, rules);
    if (columns === undefined) return undefined;
  }
  if (cursor.take('OVERRIDING')) cursor.at += 2;
  if (cursor.takeAny('VALUES', 'VALUE') === undefined || cursor.token !== undefined) return undefined;
  return columns === undefined ? { table } : { table, columns };
}

/** `copy`: rows follow; `out`: COPY … TO, which makes no rows; otherwise why it is refused. */
export type CopyHead = { readonly kind: 'copy'; readonly head: DataHead } | { readonly kind: 'out' } | { readonly kind: 'refused'; readonly reason: string };

/** A complete COPY statement. */
export function parseCopyHead(tokens: readonly Token[], rules: LexicalRules): CopyHead {
  const cursor = new TokenCursor(tokens.filter((token) => token.text !== ';' || token.kind !== 'symbol'));
  cursor.take('COPY');
  if (cursor.is('(')) return { kind: 'out' };
  const table = readTableRef(cursor, rules);
  const columns = cursor.take('(') && !cursor.take(')') ? readNameList(cursor, rules) : undefined;
  if (cursor.take('TO')) return { kind: 'out' };
  if (table === undefined || !cursor.take('FROM')) return { kind: 'refused', reason: 'this COPY statement is not understood' };
  if (!cursor.take('STDIN')) return { kind: 'refused', reason: 'COPY takes its rows from another file; import that file' };
  const options = cursor.tokens.slice(cursor.at).map((token) => token.keyword || token.text).filter((word) => word !== 'WITH');
  if (options.length > 0 && options.join(' ') !== '( FORMAT TEXT )' && options.join(' ') !== '( FORMAT text )') {
    return { kind: 'refused', reason: `COPY is read in its text format without options, and this has ${options.join(' ')}` };
  }
  return { kind: 'copy', head: columns === undefined ? { table } : { table, columns } };
}
