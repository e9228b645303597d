import { declaredCharset, type Charset } from './charset.ts';
import type { SqlDialect } from './dialect.ts';

/** Signs of a dialect in the head of a dump. A sign that only one system writes weighs 10; the rest are hints. */
const SIGNS: readonly { readonly dialect: SqlDialect; readonly weight: number; readonly sign: RegExp }[] = [
  { dialect: 'postgres', weight: 100, sign: /^-- Sluice SQL export, dialect postgres/m },
  { dialect: 'duckdb', weight: 100, sign: /^-- Sluice SQL export, dialect duckdb/m },
  { dialect: 'postgres', weight: 30, sign: /^-- PostgreSQL database (cluster )?dump/m },
  { dialect: 'postgres', weight: 10, sign: /^COPY\s[^;]*\bFROM\s+stdin\b/im },
  { dialect: 'postgres', weight: 10, sign: /\bpg_catalog\.|\bSET\s+standard_conforming_strings\b|\bSET\s+client_encoding\b/i },
  { dialect: 'postgres', weight: 6, sign: /\b(bytea|jsonb|timestamptz|bigserial|serial)\b|\bcharacter varying\b|\bGENERATED\s+(ALWAYS|BY DEFAULT)\s+AS\s+IDENTITY\b|'::\w+|^\\(c|connect|restrict)\b/im },
  { dialect: 'postgres', weight: 4, sign: /\bpublic\.[\w"]/i },
  { dialect: 'postgres', weight: 4, sign: /\$\w*\$|\bLANGUAGE\s+'?plpgsql\b/i },
  { dialect: 'mysql', weight: 30, sign: /^-- (MySQL|MariaDB) dump|^\/\*M!999999/m },
  { dialect: 'mysql', weight: 10, sign: /\/\*!\d{5}|\bENGINE\s*=\s*\w+|\bAUTO_INCREMENT\b/i },
  { dialect: 'mysql', weight: 8, sign: /\b(INTO|TABLE|DATABASE|USE|EXISTS)\s+`/i },
  { dialect: 'mysql', weight: 6, sign: /^DELIMITER\s|\bSET\s+NAMES\b|\bSET\s+(SESSION\s+)?(FOREIGN_KEY_CHECKS|SQL_MODE|AUTOCOMMIT)\b|\b(TINYINT|MEDIUMINT|LONGTEXT|MEDIUMTEXT|UNSIGNED)\b/im },
  { dialect: 'sqlite', weight: 20, sign: /^PRAGMA\s/im },
  { dialect: 'sqlite', weight: 8, sign: /\bAUTOINCREMENT\b|\bsqlite_sequence\b|\bWITHOUT\s+ROWID\b/i },
  { dialect: 'sqlite', weight: 4, sign: /^BEGIN TRANSACTION;|\bINSERT\s+OR\s+(REPLACE|IGNORE)\b|\bunistr\('/im },
  { dialect: 'sqlite', weight: 3, sign: /\bTABLE\s+(IF NOT EXISTS\s+)?\[/i },
  { dialect: 'mssql', weight: 20, sign: /^GO\s*$|\bSET\s+(IDENTITY_INSERT|ANSI_NULLS|QUOTED_IDENTIFIER)\b/im },
  { dialect: 'mssql', weight: 10, sign: /\[dbo\]\.|\bdbo\.|\b(NVARCHAR|VARBINARY)\s*\(\s*max\s*\)|\bPRIMARY KEY (NON)?CLUSTERED\b|\bUNIQUEIDENTIFIER\b/i },
  { dialect: 'oracle', weight: 20, sign: /\bVARCHAR2\b|^REM INSERTING into|^SET DEFINE OFF|\bTO_DATE\s*\(|\bTO_CLOB\s*\(|^SPOOL\s/im },
  { dialect: 'oracle', weight: 6, sign: /\bNUMBER\s*\(|\bCLOB\b|\bFROM dual\b/i },
  { dialect: 'duckdb', weight: 8, sign: /\b(HUGEINT|UBIGINT|UINTEGER|UTINYINT)\b|::BLOB\b|\bSTRUCT\s*\(|\bINSERT INTO main\./i },
];

export interface Detected {
  readonly dialect: SqlDialect;
  /** Undefined: the dump does not say. */
  readonly charset: Charset | undefined;
  /** A character set that the dump declares and nobody here can read. */
  readonly unknownCharset?: string;
}

/** @param head the first bytes of the dump (in any ASCII-compatible character set) */
export function detectDialect(head: Uint8Array): Detected {
  const text = withoutValues(Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1').replace(/^\xef\xbb\xbf/, ''));
  const scores = new Map<SqlDialect, number>();
  for (const { dialect, weight, sign } of SIGNS) if (sign.test(text)) scores.set(dialect, (scores.get(dialect) ?? 0) + weight);
  const [best] = [...scores].sort((a, b) => b[1] - a[1]);
  const dialect = best !== undefined && best[1] >= 3 ? best[0] : 'standard';
  const declared = /\bSET\s+(?:NAMES\s+|client_encoding\s*(?:=|TO)\s*)'?"?([\w-]+)/i.exec(text)?.[1];
  if (declared === undefined) return { dialect, charset: undefined };
  const charset = declaredCharset(declared, dialect === 'mysql');
  return charset === undefined ? { dialect, charset, unknownCharset: declared } : { dialect, charset };
}

/** What stands between quotes on one line is data, unless it is a setting: only the quotes stay, so that data cannot pass for a sign. */
function withoutValues(text: string): string {
  return text.replaceAll(/^(?!\s*(?:\/\*!\d*\s*)?SET\b).*$/gim, (line) => line.replaceAll(/'(?:[^'\\]|\\.|'')*'/g, "''"));
}
