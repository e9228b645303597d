import { SluiceError } from '../../errors/sluice-error.ts';
import { skipBlank } from './blank.ts';
import type { ByteWindow } from './byte-window.ts';
import { CopyBlock, type RowSink } from './copy-block.ts';
import { parseCreateTable, parsePrimaryKey, type DeclaredTable } from './create-table.ts';
import { parseCopyHead, readInsertHead, type DataHead } from './data-head.ts';
import type { LexicalRules } from './dialect.ts';
import { InsertRows } from './insert-rows.ts';
import { NO_PROBE, probeRows, type Probe } from './probe.ts';
import { ScriptState } from './script-state.ts';
import { statementKind, statementLabel, type StatementKind } from './statement-kinds.ts';
import { StatementScanner, type Body } from './statement-scanner.ts';
import { NEED_MORE } from './string-literal.ts';
import { readTableRef, TokenCursor, type TableRef } from './table-ref.ts';
import { lineEnd, TokenReader, tokensOf, type Token } from './tokens.ts';

const OPEN = 0x28, BACKSLASH = 0x5c, DOT = 0x2e;
/** Statements of the schema that are looked at. */
const MAX_STATEMENT = 16 * 1024 * 1024;
const MAX_SETTING = 64 * 1024;
/** The words that tell the kind of a statement are within these many bytes. */
const MAX_PEEK = 64 * 1024;
const PEEKED_TOKENS = 14;

export interface StatementHandler {
  declare(table: DeclaredTable): void;
  setPrimaryKey(table: TableRef, columns: readonly string[]): void;
  drop(table: TableRef): void;
  /** At the first row of each data statement. The probe is empty where `knows` said that none is needed. @throws RangeError with the reason why the rows cannot be taken */
  begin(head: DataHead, probe: Probe): Promise<RowSink>;
  /** Can rows of this head be taken without a probe? */
  knows(head: DataHead): boolean;
}

/**
 * Goes through a dump statement by statement: data statements give their rows to the handler's sinks, CREATE TABLE and its like tell the
 * handler, what changes rows in any other way is refused, and the rest is passed over and counted. Nothing is ever executed.
 */
export class StatementReader {
  /** Statements passed over, by their first words. */
  readonly skipped = new Map<string, number>();
  readonly #window: ByteWindow;
  readonly #rules: LexicalRules;
  readonly #handler: StatementHandler;
  readonly #script: ScriptState;
  readonly #copy: CopyBlock;
  readonly #inserts: InsertRows;
  #state: 'between' | 'insert-head' | 'insert' | 'copy' = 'between';
  /** Of COPY, or of an INSERT whose rows have not begun. */
  #table = '';
  /** Of COPY. */
  #sink: RowSink | undefined;
  /** The statement that begins now may be the rest of an INSERT. */
  #behindRows = false;

  // oxlint-disable-next-line max-params -- made in two places
  constructor(window: ByteWindow, rules: LexicalRules, handler: StatementHandler, tolerant = false) {
    this.#window = window;
    this.#rules = rules;
    this.#handler = handler;
    this.#script = new ScriptState(rules);
    this.#inserts = new InsertRows(window, rules, tolerant);
    this.#copy = new CopyBlock(window, rules, tolerant);
  }

  /** Goes on until a sink says that the buffers have to be emptied (`full`) or the dump ends. @throws SluiceError SQL_MALFORMED … */
  async advance(): Promise<'full' | 'end'> {
    try {
      for (;;) {
        const state = this.#state === 'between' ? await this.#statement() : this.#rows();
        if (state === 'full' || state === 'end') return state;
        if (state === 'more' && !(await this.#window.more()) && this.#window.ended) this.#endOfSource();
      }
    } catch (error) {
      if (error instanceof SluiceError && this.#state !== 'between' && error.code !== 'CANCELLED') throw error.locatedAt({ table: this.#state === 'insert' ? this.#inserts.table : this.#table });
      throw error;
    }
  }

  // — rows —

  #rows(): 'more' | 'full' | 'next' {
    const state = this.#state === 'copy' ? this.#copy.run(this.#sink!) : this.#inserts.run();
    if (state === 'more' || state === 'full') return state;
    this.#script.sawRows();
    this.#state = 'between';
    this.#behindRows = state === 'clause';
    return 'next';
  }

  #endOfSource(): void {
    const window = this.#window;
    if (this.#state === 'copy') {
      if (this.#copy.run(this.#sink!) === 'done') {
        this.#state = 'between';
        return;
      }
      throw window.malformed('the dump ends within the rows of COPY: it is cut off (no line with \\.)', window.start);
    }
    if (this.#state === 'between') return;
    // Says where a string or comment began, if that is what is open.
    new StatementScanner(this.#rules).scan(window, window.start);
    throw window.malformed('the dump ends within this row: it is cut off, or a quote or parenthesis is missing', window.start);
  }

  // — statements —

  async #statement(): Promise<'next' | 'end'> {
    const window = this.#window;
    if (!(await this.#toStatement())) {
      this.#script.atEnd(window);
      return 'end';
    }
    if (this.#behindRows) return this.#restOfInsert();
    if (this.#inserts.beginKnown()) {
      this.#state = 'insert';
      return 'next';
    }
    const byte = window.bytes[window.start];
    if ((byte === BACKSLASH && this.#rules.backslashCommands) || (byte === DOT && this.#rules.dotCommands)) return this.#command();
    if (this.#rules.slashLines && byte === 0x2f) return this.#line();
    const tokens = await this.#peek();
    if (tokens.length === 0) throw window.malformed('no statement can begin like this', window.start);
    if (tokens[0].text === ';' && tokens[0].kind === 'symbol') {
      window.consume(window.start + 1);
      return 'next';
    }
    await this.#dispatch(statementKind(tokens, this.#rules), tokens);
    return 'next';
  }

  async #dispatch(kind: StatementKind, tokens: readonly Token[]): Promise<void> {
    const window = this.#window;
    switch (kind.kind) {
      case 'insert': return this.#insert();
      case 'copy': return this.#copyFrom();
      case 'table': return this.#createTable();
      case 'refuse': throw window.malformed(kind.reason, window.start);
      case 'skip': return this.#skip(tokens, kind.body, kind.watched);
      case 'line':
        this.#count(tokens);
        await this.#line();
        return;
      case 'delimiter': {
        const { start, end } = await this.#wholeLine();
        this.#script.setDelimiter(window.bytes, start, end);
        window.consume(end);
        return;
      }
      default: return this.#schema(kind.kind, tokens);
    }
  }

  /** Short statements that tell something about the rest of the script. */
  async #schema(kind: 'alter-table' | 'drop-table' | 'set' | 'use' | 'begin' | 'commit' | 'rollback', label: readonly Token[]): Promise<void> {
    this.#count(label);
    const window = this.#window;
    const end = await this.#capture(kind === 'set' || kind === 'use' ? MAX_SETTING : MAX_STATEMENT);
    const tokens = tokensOf(window.bytes, window.start, end, this.#rules);
    if (kind === 'alter-table') {
      const key = parsePrimaryKey(tokens, this.#rules);
      if (key !== undefined) this.#handler.setPrimaryKey(key.table, key.columns);
    } else if (kind === 'drop-table') {
      const cursor = new TokenCursor(tokens);
      cursor.take('DROP', 'TABLE');
      cursor.take('IF', 'EXISTS');
      const table = readTableRef(cursor, this.#rules);
      if (table !== undefined) this.#handler.drop(table);
    } else {
      this.#script.statement(kind, tokens, window);
      // A setting may change what a name means.
      this.#inserts.forgetHeads();
    }
    window.consume(end);
  }

  async #createTable(): Promise<void> {
    const window = this.#window;
    const end = await this.#capture(MAX_STATEMENT);
    const parsed = parseCreateTable(tokensOf(window.bytes, window.start, end, this.#rules), this.#rules);
    if (parsed === undefined) throw window.malformed('this CREATE TABLE is not understood', window.start);
    if (parsed === 'query') throw window.malformed('CREATE TABLE … AS makes its rows with a query; only a database can run it', window.start);
    this.#handler.declare(parsed);
    this.#inserts.forgetHeads();
    window.consume(end);
  }

  async #insert(): Promise<void> {
    const window = this.#window;
    let read = readInsertHead(window, this.#rules);
    while (read === NEED_MORE) {
      await window.more();
      read = readInsertHead(window, this.#rules);
    }
    const { head } = read;
    if (head.table.name.name.startsWith('sqlite_') && this.#rules.dialect === 'sqlite') return this.#skip([{ kind: 'word', text: '', keyword: 'INSERT INTO sqlite_…', start: 0, end: 0 }], 'none', new Set());
    const bytes = window.bytes.slice(window.start, read.next);
    await this.#toRow(read.next);
    this.#table = displayTable(head.table);
    this.#state = 'insert-head';
    const probe = this.#handler.knows(head) ? NO_PROBE : await this.#probe(head.columns?.length);
    this.#inserts.begin(bytes, await this.#begin(head, probe), this.#table);
    this.#state = 'insert';
  }

  async #begin(head: DataHead, probe: Probe): Promise<RowSink> {
    try {
      return await this.#handler.begin(head, probe);
    } catch (error) {
      if (error instanceof RangeError) throw this.#window.malformed(error.message, this.#window.start);
      throw error;
    }
  }

  /** Moves the window to the parenthesis of the first row. @param from behind VALUES */
  async #toRow(from: number): Promise<void> {
    const window = this.#window;
    window.consume(from);
    for (;;) {
      const pos = skipBlank(window.bytes, window.start, window.end, this.#rules, window.ended);
      if (pos !== NEED_MORE && pos < window.end) {
        if (window.bytes[pos] !== OPEN) throw window.malformed('after VALUES comes a row in parentheses', pos);
        window.consume(pos);
        return;
      }
      if (!(await window.more())) throw window.malformed('the dump ends within an INSERT: it is cut off', window.start);
    }
  }

  async #probe(named: number | undefined): Promise<Probe> {
    for (;;) {
      const probe = probeRows(this.#window, this.#inserts.parser, this.#rules, named);
      if (probe !== NEED_MORE) return probe;
      if (!(await this.#window.more())) this.#endOfSource();
    }
  }

  async #copyFrom(): Promise<void> {
    const window = this.#window;
    const end = await this.#capture(MAX_STATEMENT);
    const copy = parseCopyHead(tokensOf(window.bytes, window.start, end, this.#rules), this.#rules);
    if (copy.kind === 'refused') throw window.malformed(copy.reason, window.start);
    window.consume(end);
    if (copy.kind === 'out') return;
    this.#table = displayTable(copy.head.table);
    this.#state = 'copy';
    await this.#line();
    let fields = this.#copy.probe();
    while (fields === undefined) {
      if (!(await window.more())) this.#endOfSource();
      if (this.#state !== 'copy') return;
      fields = this.#copy.probe();
    }
    if (fields === 0) {
      await this.#line();
      this.#state = 'between';
      return;
    }
    this.#inserts.leave();
    this.#sink = await this.#begin(copy.head, { values: fields, kinds: new Uint16Array(0) });
  }

  /** Behind the rows of an INSERT, where its delimiter is not: a clause, or (SQL Server) the next statement. */
  async #restOfInsert(): Promise<'next'> {
    const window = this.#window;
    this.#behindRows = false;
    if (this.#rules.batches) return 'next';
    const end = await this.#capture(MAX_SETTING);
    const clause = tokensOf(window.bytes, window.start, end, this.#rules).map((token) => token.keyword || token.text).join(' ');
    const harmless = /^ON CONFLICT .*DO NOTHING ?;?$/.test(clause) || clause.startsWith('RETURNING ');
    if (!harmless) throw window.malformed(`what follows the rows of this INSERT is not read: ${clause.slice(0, 60)}`, window.start);
    window.consume(end);
    return 'next';
  }

  /** A line for the client: `\connect`, `.mode`. */
  async #command(): Promise<'next'> {
    const window = this.#window;
    const { start, end } = await this.#wholeLine();
    this.#script.command(Buffer.from(window.bytes.buffer, window.bytes.byteOffset + start, end - start).toString('utf8').trim(), window);
    window.consume(end);
    return 'next';
  }

  async #line(): Promise<'next'> {
    this.#window.consume((await this.#wholeLine()).end);
    return 'next';
  }

  async #wholeLine(): Promise<{ start: number; end: number }> {
    const window = this.#window;
    let end = lineEnd(window.bytes, window.start, window.end, window.ended);
    while (end === NEED_MORE) {
      await window.more();
      end = lineEnd(window.bytes, window.start, window.end, window.ended);
    }
    return { start: window.start, end };
  }

  async #skip(label: readonly Token[], body: Body, watched: ReadonlySet<string>): Promise<void> {
    this.#count(label);
    const window = this.#window;
    const place = window.place(window.start);
    const scanner = new StatementScanner(this.#rules, body, watched);
    // The first word is no second statement.
    let from = window.start;
    for (;;) {
      const end = scanner.scan(window, from);
      if (scanner.met !== undefined) throw window.malformed(`${scanner.met.word} within ${label[0].keyword} may change rows, and only INSERT … VALUES and COPY … FROM stdin are read`, Math.max(window.start, scanner.met.pos));
      if (end !== NEED_MORE) {
        if (scanner.unfinished) throw new SluiceError('SQL_MALFORMED', { source: window.source, reason: `the ${label[0].keyword} statement that begins here never ends` }, place);
        window.consume(end);
        return;
      }
      window.consume(scanner.resumeAt);
      await window.more();
      from = window.start;
    }
  }

  /** The statement at the window's start, kept in the window. @returns the position behind it */
  async #capture(limit: number): Promise<number> {
    const window = this.#window;
    const scanner = new StatementScanner(this.#rules);
    let offset = 0;
    for (;;) {
      const end = scanner.scan(window, window.start + offset);
      if (end !== NEED_MORE) return end;
      if (window.end - window.start > limit) throw window.malformed(`a statement is longer than ${limit} bytes`, window.start);
      offset = scanner.resumeAt - window.start;
      await window.more();
    }
  }

  /** Moves to the next statement; false at the end of the dump. */
  async #toStatement(): Promise<boolean> {
    const window = this.#window;
    for (;;) {
      const pos = skipBlank(window.bytes, window.start, window.end, this.#rules, window.ended);
      if (pos !== NEED_MORE) {
        window.consume(pos);
        if (pos < window.end) return true;
      }
      if (!(await window.more()) && window.ended) {
        if (pos === NEED_MORE && window.start < window.end) {
          new StatementScanner(this.#rules).scan(window, window.start);
          // A dash or slash that begins no comment.
          return true;
        }
        if (window.start >= window.end) return false;
      }
    }
  }

  async #peek(): Promise<Token[]> {
    const window = this.#window;
    for (;;) {
      const reader = new TokenReader(window.bytes, window.start, window.end, this.#rules, window.ended);
      const tokens: Token[] = [];
      let token: ReturnType<TokenReader['next']>;
      do {
        token = reader.next();
        if (token !== undefined && token !== NEED_MORE) tokens.push(token);
      } while (token !== undefined && token !== NEED_MORE && tokens.length < PEEKED_TOKENS && token.text !== ';');
      if (token !== NEED_MORE || window.ended || window.end - window.start > MAX_PEEK) return tokens;
      await window.more();
    }
  }

  #count(tokens: readonly Token[]): void {
    const label = statementLabel(tokens);
    this.skipped.set(label, (this.skipped.get(label) ?? 0) + 1);
  }
}

function displayTable({ name }: TableRef): string {
  return name.schema === undefined ? name.name : `${name.schema}.${name.name}`;
}
