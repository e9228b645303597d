import type { ErrorPlace } from '../../errors/sluice-error.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ByteWindow } from './byte-window.ts';
import { declaredCharset } from './charset.ts';
import { SEMICOLON, type LexicalRules } from './dialect.ts';
import { readIdentifier, TokenCursor } from './table-ref.ts';
import type { Token } from './tokens.ts';

/**
 * What statements and client commands say about the script itself: delimiter, escapes, character set, current schema, and whether a transaction is open. A
 * dump whose transaction is never committed is cut off; run by a database it would load nothing.
 */
export class ScriptState {
  readonly #rules: LexicalRules;
  #transaction: ErrorPlace | undefined;
  #rowsInTransaction = false;
  #rows = false;
  #database: string | undefined;

  constructor(rules: LexicalRules) {
    this.#rules = rules;
  }

  sawRows(): void {
    this.#rows = true;
    if (this.#transaction !== undefined) this.#rowsInTransaction = true;
  }

  /** A complete statement at the window's start. */
  statement(kind: 'set' | 'use' | 'begin' | 'commit' | 'rollback', tokens: readonly Token[], window: ByteWindow): void {
    switch (kind) {
      case 'begin':
        this.#transaction = window.place(window.start);
        this.#rowsInTransaction = false;
        return;
      case 'commit':
        this.#transaction = undefined;
        return;
      case 'rollback':
        if (this.#rowsInTransaction) throw window.malformed('the rows before are rolled back: whoever wrote the dump met an error', window.start);
        this.#transaction = undefined;
        return;
      case 'use': {
        const database = readIdentifier(new TokenCursor(tokens.slice(1)), this.#rules);
        if (database !== undefined) this.#use(database);
        return;
      }
      default: this.#set(tokens, window);
    }
  }

  /** @throws SluiceError SQL_MALFORMED for commands that bring rows from elsewhere */
  command(line: string, window: ByteWindow): void {
    const word = /^[\\.]([a-z_!?.]*)/i.exec(line)?.[1] ?? '';
    const rest = line.slice(word.length + 1).trim();
    if (line.startsWith('\\') && /^(copy|i|ir|include|include_relative)$/.test(word)) throw window.malformed(`\\${word} takes rows or statements from another file; import that file`, window.start);
    if (line.startsWith('.') && /^(read|import|restore|load)$/.test(word)) throw window.malformed(`.${word} takes rows or statements from another file; import that file`, window.start);
    if (line === '\\.') throw window.malformed('the end of COPY rows, without COPY', window.start);
    if (line.startsWith('\\') && /^(c|connect)$/.test(word)) this.#connect(rest, window);
  }

  setDelimiter(bytes: Uint8Array, start: number, end: number): void {
    const words = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1').trim().split(/\s+/);
    const delimiter = words[1];
    this.#rules.delimiter = delimiter === undefined || delimiter === ';' ? SEMICOLON : Buffer.from(delimiter, 'latin1');
  }

  /** @throws SluiceError SQL_MALFORMED when rows wait for a COMMIT that never comes */
  atEnd(window: ByteWindow): void {
    if (this.#transaction === undefined || !this.#rowsInTransaction) return;
    throw new SluiceError('SQL_MALFORMED', { source: window.source, reason: 'the transaction that begins here is never committed: the dump is cut off' }, this.#transaction);
  }

  #use(database: string): void {
    // One database is the rule, and its name says nothing; tables of a second one must not meet those of the first.
    if (this.#database === undefined || !this.#rows) this.#database = database;
    if (this.#rules.dialect !== 'oracle') this.#rules.schema = database === this.#database ? undefined : database;
  }

  #connect(target: string, window: ByteWindow): void {
    const database = /^"?([^"\s;]+)/.exec(target)?.[1];
    if (this.#rows && database !== undefined && database !== '-' && database !== this.#database) {
      throw window.malformed(`a second database, ${database}, begins here; import the dump of each database by itself`, window.start);
    }
    this.#database = database;
    this.#rules.schema = undefined;
  }

  #set(tokens: readonly Token[], window: ByteWindow): void {
    const words = tokens.map((token) => token.keyword);
    const texts = tokens.map((token) => token.text);
    const name = words.find((word) => SETTINGS.has(word));
    if (name === undefined) return;
    const at = words.indexOf(name);
    const value = texts.slice(at + 1).find((text) => text !== '=' && text.toUpperCase() !== 'TO') ?? '';
    if (name === 'STANDARD_CONFORMING_STRINGS') this.#rules.backslashEscapes = /^(off|false|0)$/i.test(value);
    else if (name === 'SQL_MODE' && this.#rules.dialect === 'mysql') this.#rules.backslashEscapes = !texts.some((text) => text.toUpperCase().includes('NO_BACKSLASH_ESCAPES'));
    else if (name === 'SEARCH_PATH') this.#searchPath(tokens.slice(at + 1));
    else if (name === 'NAMES' || name === 'CLIENT_ENCODING') this.#charset(value, window);
  }

  #searchPath(tokens: readonly Token[]): void {
    const first = tokens.find((token) => token.kind !== 'symbol' && token.keyword !== 'TO');
    const schema = first === undefined || first.text === '' || first.keyword === 'DEFAULT' ? undefined : first.text;
    this.#rules.schema = schema === '$user' || schema === 'pg_catalog' ? undefined : schema;
  }

  #charset(name: string, window: ByteWindow): void {
    if (this.#rules.charsetChosen || name === '' || name.toUpperCase() === 'DEFAULT') return;
    const charset = declaredCharset(name, this.#rules.dialect === 'mysql');
    if (charset === undefined) throw window.malformed(`the dump says that it is in ${name}; convert it to UTF-8, or say --encoding`, window.start);
    this.#rules.charset = charset;
  }
}

const SETTINGS: ReadonlySet<string> = new Set(['STANDARD_CONFORMING_STRINGS', 'SQL_MODE', 'SEARCH_PATH', 'NAMES', 'CLIENT_ENCODING']);
