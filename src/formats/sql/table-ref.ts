import type { TableName } from '../../rows/table-schema.ts';
import { DEFAULT_SCHEMA, type LexicalRules } from './dialect.ts';
import type { Token } from './tokens.ts';

/** A table as a dump names it. */
export interface TableRef {
  readonly name: TableName;
  /** Equal for two spellings of the same table. */
  readonly key: string;
}

/** Reads tokens one after the other; the grammar of each statement is on top of it. */
export class TokenCursor {
  readonly tokens: readonly Token[];
  at = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  get token(): Token | undefined {
    return this.tokens[this.at];
  }

  /** Takes the next tokens when they are these keywords or symbols, all of them. */
  take(...keywords: string[]): boolean {
    if (!keywords.every((keyword, i) => this.tokens[this.at + i]?.keyword === keyword)) return false;
    this.at += keywords.length;
    return true;
  }

  /** Takes the next token when it is one of these. */
  takeAny(...keywords: string[]): string | undefined {
    const found = keywords.find((keyword) => this.token?.keyword === keyword);
    if (found !== undefined) this.at++;
    return found;
  }

  is(keyword: string, ahead = 0): boolean {
    return this.tokens[this.at + ahead]?.keyword === keyword;
  }

  /** After an opening parenthesis: moves behind the one that closes it. */
  skipParentheses(): void {
    for (let depth = 1; depth > 0 && this.at < this.tokens.length; this.at++) {
      if (this.is('(')) depth++;
      else if (this.is(')')) depth--;
    }
  }
}

/** A name, quoted or not; SQLite takes '…' too. Undefined when there is none. */
export function readIdentifier(cursor: TokenCursor, rules: LexicalRules): string | undefined {
  const { token } = cursor;
  if (token === undefined || token.kind === 'symbol' || (token.kind === 'string' && rules.dialect !== 'sqlite')) return undefined;
  cursor.at++;
  return token.kind === 'word' && rules.foldsNames ? foldAscii(token.text) : token.text;
}

/** `schema.table`, `[db].[schema].[table]`, `table`. */
export function readTableRef(cursor: TokenCursor, rules: LexicalRules): TableRef | undefined {
  const parts: string[] = [];
  do {
    // [db]..[table]: the schema is left out.
    const part = cursor.is('.') ? '' : readIdentifier(cursor, rules);
    if (part === undefined) return undefined;
    parts.push(part);
  } while (cursor.take('.'));
  return tableRef(parts.at(-2) ?? rules.schema, parts.at(-1)!, rules);
}

function tableRef(schema: string | undefined, name: string, rules: LexicalRules): TableRef {
  const own = schema === '' || schema?.toLowerCase() === DEFAULT_SCHEMA[rules.dialect] ? undefined : schema;
  const key = JSON.stringify([own ?? '', name]);
  return { name: own === undefined ? { name } : { schema: own, name }, key: rules.foldsNames ? key : key.toLowerCase() };
}

/** `( a, b, c )`, the opening parenthesis taken already. Names with lengths or orders behind (`a(10) DESC`) count as the names. */
export function readNameList(cursor: TokenCursor, rules: LexicalRules): string[] | undefined {
  const names: string[] = [];
  for (;;) {
    const name = readIdentifier(cursor, rules);
    if (name === undefined) return undefined;
    names.push(name);
    while (cursor.token !== undefined && !cursor.is(',') && !cursor.is(')')) {
      const parenthesis = cursor.is('(');
      cursor.at++;
      if (parenthesis) cursor.skipParentheses();
    }
    if (cursor.take(')')) return names;
    if (!cursor.take(',')) return undefined;
  }
}

/** Columns are the same when they differ only in case, except where quotes make case count. */
export function columnKey(name: string, rules: LexicalRules): string {
  return rules.foldsNames ? name : name.toLowerCase();
}

function foldAscii(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (upper) => upper.toLowerCase());
}
