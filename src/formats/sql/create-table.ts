import type { Column } from '../../rows/table-schema.ts';
import type { LexicalRules } from './dialect.ts';
import { columnType, type WrittenType } from './sql-types.ts';
import { readIdentifier, readNameList, readTableRef, TokenCursor, type TableRef } from './table-ref.ts';
import type { Token } from './tokens.ts';

export interface DeclaredTable {
  readonly table: TableRef;
  readonly columns: readonly Column[];
  readonly primaryKey: readonly string[];
  /** Tables whose columns this one has too: INHERITS, PARTITION OF, LIKE. */
  readonly parents: readonly TableRef[];
}

/** What a CREATE TABLE says that matters to its rows. `query`: it makes its rows itself; undefined: not understood. */
export function parseCreateTable(tokens: readonly Token[], rules: LexicalRules): DeclaredTable | 'query' | undefined {
  const cursor = new TokenCursor(tokens);
  while (cursor.token !== undefined && !cursor.take('TABLE')) cursor.at++;
  cursor.take('IF', 'NOT', 'EXISTS');
  const table = readTableRef(cursor, rules);
  if (table === undefined) return undefined;
  const parser = new TableBody(cursor, rules);
  if (cursor.take('PARTITION', 'OF') || cursor.take('LIKE')) parser.readParent();
  if (cursor.take('(')) parser.readElements();
  if (cursor.take('INHERITS', '(')) {
    do parser.readParent(); while (cursor.take(','));
  }
  while (cursor.token !== undefined && !cursor.is('AS') && !cursor.is('SELECT')) cursor.at++;
  if (cursor.token !== undefined && (cursor.is('SELECT') || cursor.is('SELECT', 1) || cursor.is('WITH', 1) || cursor.is('(', 1) || cursor.is('TABLE', 1))) return 'query';
  return { table, columns: parser.columns.map((column) => withKey(column, parser.primaryKey)), primaryKey: parser.primaryKey, parents: parser.parents };
}

/** `ALTER TABLE t ADD [CONSTRAINT c] PRIMARY KEY (…)`. */
export function parsePrimaryKey(tokens: readonly Token[], rules: LexicalRules): { table: TableRef; columns: readonly string[] } | undefined {
  const cursor = new TokenCursor(tokens);
  if (!cursor.take('ALTER', 'TABLE')) return undefined;
  cursor.take('IF', 'EXISTS');
  cursor.take('ONLY');
  const table = readTableRef(cursor, rules);
  if (table === undefined) return undefined;
  while (cursor.token !== undefined && !cursor.take('PRIMARY', 'KEY')) cursor.at++;
  while (cursor.token !== undefined && !cursor.take('(')) cursor.at++;
  const columns = cursor.token === undefined ? undefined : readNameList(cursor, rules);
  return columns === undefined ? undefined : { table, columns };
}

function withKey(column: Column, primaryKey: readonly string[]): Column {
  return primaryKey.includes(column.name) ? { ...column, nullable: false } : column;
}

const TABLE_CONSTRAINTS: ReadonlySet<string> = new Set(['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK', 'EXCLUDE', 'LIKE', 'PERIOD']);
/** Reserved in MySQL, names elsewhere. */
const MYSQL_CONSTRAINTS: ReadonlySet<string> = new Set(['KEY', 'INDEX', 'FULLTEXT', 'SPATIAL']);
const TYPE_WORDS: ReadonlySet<string> = new Set([
  'VARYING', 'PRECISION', 'TIME', 'ZONE', 'LOCAL', 'UNSIGNED', 'SIGNED', 'ZEROFILL', 'LARGE', 'OBJECT', 'RAW', 'CHARACTER', 'CHAR', 'VARCHAR', 'TEXT', 'INTEGER', 'INT',
]);
const IDENTITY_WORDS: ReadonlySet<string> = new Set(['AUTO_INCREMENT', 'AUTOINCREMENT', 'IDENTITY', 'SERIAL', 'SMALLSERIAL', 'BIGSERIAL', 'SERIAL4', 'SERIAL8', 'SERIAL2']);

class TableBody {
  readonly columns: Column[] = [];
  primaryKey: readonly string[] = [];
  readonly parents: TableRef[] = [];
  readonly #cursor: TokenCursor;
  readonly #rules: LexicalRules;

  constructor(cursor: TokenCursor, rules: LexicalRules) {
    this.#cursor = cursor;
    this.#rules = rules;
  }

  readParent(): void {
    const parent = readTableRef(this.#cursor, this.#rules);
    if (parent !== undefined) this.parents.push(parent);
  }

  /** Up to and with the closing parenthesis. */
  readElements(): void {
    const cursor = this.#cursor;
    while (cursor.token !== undefined && !cursor.take(')')) {
      if (this.#isConstraint()) this.#readConstraint();
      else this.#readColumn();
      this.#skipElement();
      cursor.take(',');
    }
  }

  #isConstraint(): boolean {
    const { keyword } = this.#cursor.token!;
    if (this.#rules.dialect === 'mysql' && MYSQL_CONSTRAINTS.has(keyword)) return true;
    if (!TABLE_CONSTRAINTS.has(keyword)) return false;
    return keyword !== 'PERIOD' || this.#cursor.is('FOR', 1);
  }

  #readConstraint(): void {
    const cursor = this.#cursor;
    if (cursor.take('CONSTRAINT') && !cursor.is('PRIMARY')) readIdentifier(cursor, this.#rules);
    if (cursor.take('LIKE')) {
      this.readParent();
      return;
    }
    if (!cursor.take('PRIMARY', 'KEY')) return;
    // SQL Server: PRIMARY KEY CLUSTERED (…)
    while (cursor.token !== undefined && !cursor.is('(') && !cursor.is(',') && !cursor.is(')')) cursor.at++;
    if (cursor.take('(')) this.primaryKey = readNameList(cursor, this.#rules)?.map((name) => this.#declared(name)) ?? [];
  }

  /** The name as the column's own definition spells it. */
  #declared(name: string): string {
    return this.columns.find((column) => column.name === name || (!this.#rules.foldsNames && column.name.toLowerCase() === name.toLowerCase()))?.name ?? name;
  }

  #readColumn(): void {
    const name = readIdentifier(this.#cursor, this.#rules);
    if (name === undefined) return;
    const written = this.#readType();
    let nullable = true;
    let filled: Column['filled'] = IDENTITY_WORDS.has(written.name) ? 'identity-default' : undefined;
    const cursor = this.#cursor;
    while (cursor.token !== undefined && !cursor.is(',') && !cursor.is(')')) {
      if (cursor.take('NOT', 'NULL')) nullable = false;
      else if (cursor.take('PRIMARY', 'KEY')) this.primaryKey = [name];
      else if (cursor.take('DEFAULT')) filled ??= cursor.take('NULL') ? undefined : 'default';
      else filled = this.#readGeneration() ?? filled;
    }
    const type = columnType(written, this.#rules.dialect);
    this.columns.push({ name, type, nullable, ...(filled === undefined ? {} : { filled }) });
  }

  /** Takes one more piece of a column's definition; says whether it makes the column fill itself. */
  #readGeneration(): Column['filled'] {
    const cursor = this.#cursor;
    if (cursor.take('GENERATED', 'ALWAYS', 'AS', 'IDENTITY')) return 'identity-always';
    if (cursor.take('GENERATED', 'BY', 'DEFAULT')) return 'identity-default';
    if (cursor.take('GENERATED', 'ALWAYS', 'AS') || cursor.take('AS', '(')) {
      cursor.at--;
      if (cursor.is('(')) this.#skipGroup();
      else cursor.at++;
      if (cursor.is('(')) this.#skipGroup();
      return 'generated';
    }
    if (cursor.is('(')) {
      this.#skipGroup();
      return undefined;
    }
    const { keyword } = cursor.token!;
    cursor.at++;
    return IDENTITY_WORDS.has(keyword) ? 'identity-default' : undefined;
  }

  #skipGroup(): void {
    this.#cursor.at++;
    this.#cursor.skipParentheses();
  }

  #readType(): WrittenType {
    const cursor = this.#cursor;
    const words: string[] = [];
    let args: string[] = [];
    let arrayDepth = 0;
    if (cursor.is('.', 1)) cursor.at += 2;
    const first = cursor.token;
    if (first !== undefined && (first.kind === 'word' || first.kind === 'name') && !startsConstraint(cursor)) {
      // A quoted type is a user's own, except where everything is quoted.
      words.push(first.kind === 'word' || this.#rules.brackets ? first.text.toUpperCase() : `"${first.text}"`);
      cursor.at++;
    }
    for (;;) {
      if (args.length === 0 && words.length > 0 && cursor.take('(')) args = this.#readArguments();
      else if (cursor.take('[') || cursor.take('ARRAY')) {
        arrayDepth++;
        while (cursor.token !== undefined && cursor.token.kind === 'number') cursor.at++;
        cursor.take(']');
      } else if (cursor.token?.kind === 'word' && (TYPE_WORDS.has(cursor.token.keyword) || isZone(cursor))) words.push(this.#takeWord());
      else return { name: words.join(' '), arguments: args, arrayDepth };
    }
  }

  #takeWord(): string {
    return this.#cursor.tokens[this.#cursor.at++].keyword;
  }

  #readArguments(): string[] {
    const cursor = this.#cursor;
    const args: string[] = [];
    for (; cursor.token !== undefined && !cursor.take(')'); cursor.at++) {
      if (!cursor.is(',')) args.push(cursor.token.text);
    }
    return args;
  }

  /** Moves to the comma or the parenthesis that ends the element. */
  #skipElement(): void {
    const cursor = this.#cursor;
    while (cursor.token !== undefined && !cursor.is(',') && !cursor.is(')')) {
      if (cursor.is('(')) this.#skipGroup();
      else cursor.at++;
    }
  }
}

function isZone(cursor: TokenCursor): boolean {
  return (cursor.is('WITH') || cursor.is('WITHOUT')) && (cursor.is('TIME', 1) || cursor.is('LOCAL', 1));
}

/** A column without a type (SQLite, computed columns of SQL Server). */
function startsConstraint(cursor: TokenCursor): boolean {
  return ['NOT', 'NULL', 'PRIMARY', 'DEFAULT', 'UNIQUE', 'CHECK', 'REFERENCES', 'AS', 'GENERATED', 'CONSTRAINT', 'COLLATE'].some((keyword) => cursor.is(keyword));
}
