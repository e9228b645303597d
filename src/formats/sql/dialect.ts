import type { Charset } from './charset.ts';

/** `standard` is SQL whose origin does not show: quotes are doubled, a backslash is a character. */
export type SqlDialect = 'postgres' | 'mysql' | 'sqlite' | 'mssql' | 'oracle' | 'duckdb' | 'standard';

export const DIALECT_NAMES: Readonly<Record<SqlDialect, string>> = {
  postgres: 'PostgreSQL', mysql: 'MySQL or MariaDB', sqlite: 'SQLite', mssql: 'SQL Server', oracle: 'Oracle', duckdb: 'DuckDB', standard: 'standard SQL',
};

/**
 * What the bytes of a dump mean. Mutable, because a dump changes some of it as it goes: `DELIMITER ;;`,
 * `SET standard_conforming_strings = off`, `SET NAMES latin1`.
 */
export class LexicalRules {
  readonly dialect: SqlDialect;
  charset: Charset;
  /** The user said the character set: what the dump says of itself does not count. */
  readonly charsetChosen: boolean;
  /** A backslash in '…' starts an escape. E'…' always has them. */
  backslashEscapes: boolean;
  /** mysql's client command; `;` elsewhere. */
  delimiter: Uint8Array = SEMICOLON;

  /** The schema of names that say none: `SET search_path`, `USE`. */
  schema: string | undefined;

  /** `# comment` */
  readonly hashComments: boolean;
  /** MySQL's executable comments, `/*!50003 code` up to the comment's end, are code. */
  readonly conditionalComments: boolean;
  readonly nestedComments: boolean;
  readonly dollarQuotes: boolean;
  /** `[name]` */
  readonly brackets: boolean;
  readonly backticks: boolean;
  /** "…" may be a value, not only a name. */
  readonly doubleQuotedStrings: boolean;
  /** Lines that start with a backslash are commands of the client. */
  readonly backslashCommands: boolean;
  /** Lines that start with a dot are commands of the client. */
  readonly dotCommands: boolean;
  /** A line `GO` ends a batch, and statements need no semicolon. */
  readonly batches: boolean;
  /** A line `/` ends a PL/SQL unit. */
  readonly slashLines: boolean;
  /** Names without quotes are lower case. */
  readonly foldsNames: boolean;
  /** `;` inside parentheses does not end a statement (CREATE RULE). */
  readonly parenthesesHold: boolean;

  constructor(dialect: SqlDialect, charset: Charset, charsetChosen: boolean) {
    const is = (...dialects: SqlDialect[]): boolean => dialects.includes(dialect);
    this.dialect = dialect;
    this.charset = charset;
    this.charsetChosen = charsetChosen;
    this.backslashEscapes = is('mysql');
    this.hashComments = is('mysql');
    this.conditionalComments = is('mysql');
    this.nestedComments = is('postgres', 'mssql', 'duckdb');
    this.dollarQuotes = is('postgres', 'duckdb', 'standard');
    this.brackets = is('mssql', 'sqlite', 'standard');
    this.backticks = is('mysql', 'sqlite', 'standard');
    this.doubleQuotedStrings = is('mysql', 'sqlite');
    this.backslashCommands = is('postgres', 'standard');
    this.dotCommands = is('sqlite', 'duckdb', 'standard');
    this.batches = is('mssql');
    this.slashLines = is('oracle', 'standard');
    this.foldsNames = is('postgres');
    this.parenthesesHold = is('postgres');
  }
}

export const SEMICOLON: Uint8Array = Uint8Array.of(0x3b);

/** The schema that a table is in when its name says none: left out of table names, so that dumps of different systems meet. */
export const DEFAULT_SCHEMA: Readonly<Partial<Record<SqlDialect, string>>> = { postgres: 'public', mssql: 'dbo', sqlite: 'main', duckdb: 'main' };
