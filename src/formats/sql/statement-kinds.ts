import type { LexicalRules } from './dialect.ts';
import type { Body } from './statement-scanner.ts';
import type { Token } from './tokens.ts';

/** What is to be done with a statement, from its first words. */
export type StatementKind =
  | { readonly kind: 'insert' | 'copy' | 'table' | 'alter-table' | 'drop-table' | 'set' | 'delimiter' | 'line' | 'begin' | 'commit' | 'rollback' | 'use' }
  /** Passed over; `watched` words in it make it a refusal. */
  | { readonly kind: 'skip'; readonly body: Body; readonly watched: ReadonlySet<string> }
  | { readonly kind: 'refuse'; readonly reason: string };

const NOTHING: ReadonlySet<string> = new Set();
/** Words that change rows: a statement that may hold others must not have them. */
const CHANGES: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'REPLACE']);
const REFUSED: ReadonlySet<string> = new Set(['UPDATE', 'DELETE', 'MERGE', 'UPSERT', 'BULK', 'IMPORT']);
const CONTAINERS: ReadonlySet<string> = new Set(['WITH', 'IF', 'WHILE', 'PREPARE', 'DECLARE']);
const INCLUDES: ReadonlySet<string> = new Set(['SOURCE', '@', 'START']);
/** Lines of SQL*Plus, not statements. */
const ORACLE_LINES: ReadonlySet<string> = new Set(['REM', 'REMARK', 'PROMPT', 'SPOOL', 'WHENEVER']);
const ROUTINES: ReadonlySet<string> = new Set(['TRIGGER', 'FUNCTION', 'PROCEDURE', 'PROC', 'PACKAGE', 'EVENT']);
const SKIPPED: ReadonlySet<string> = new Set([
  'ABORT', 'ALTER', 'ANALYSE', 'ANALYZE', 'ATTACH', 'CALL', 'CHANGE', 'CHECK', 'CHECKPOINT', 'CLOSE', 'CLUSTER', 'COLUMN', 'COMMENT', 'CONNECT', 'CREATE', 'DEALLOCATE', 'DEFINE', 'DENY',
  'DESC', 'DESCRIBE', 'DETACH', 'DISABLE', 'DISCARD', 'DISCONNECT', 'DO', 'DROP', 'ECHO', 'ENABLE', 'END', 'EXEC', 'EXECUTE', 'EXIT', 'EXPLAIN', 'EXPORT', 'FETCH', 'FLUSH', 'GO', 'GRANT', 'HANDLER',
  'INSTALL', 'KILL', 'LISTEN', 'LOAD', 'LOCK', 'NOTIFY', 'OPEN', 'OPTIMIZE', 'PRAGMA', 'PRINT', 'PURGE', 'QUIT', 'RAISERROR', 'REASSIGN', 'REFRESH', 'REINDEX', 'RELEASE',
  'RENAME', 'REPAIR', 'RESET', 'RETURN', 'REVOKE', 'SAVEPOINT', 'SECURITY', 'SELECT', 'SHOW', 'SHUTDOWN', 'TABLE', 'THROW', 'TIMING', 'TRUNCATE', 'UNDEFINE', 'UNINSTALL', 'UNLISTEN', 'UNLOCK',
  'VACUUM', 'VALUES', 'XA', 'BACKUP', 'RESTORE', 'ALLOW', 'STOP', 'SHOWPLAN', '(',
]);
/** What may stand between CREATE and the kind of object. */
const CREATE_WORDS = 14;

/** @param tokens the first tokens of a statement, at least one */
export function statementKind(tokens: readonly Token[], rules: LexicalRules): StatementKind {
  const first = tokens[0].keyword;
  const second = tokens[1]?.keyword ?? '';
  if (first === 'INSERT' && (second === 'ALL' || second === 'FIRST') && rules.dialect === 'oracle') return refuse('INSERT ALL is not read, only INSERT … VALUES');
  if (first === 'INSERT' || (first === 'REPLACE' && rules.dialect !== 'postgres')) return { kind: 'insert' };
  if (first === 'COPY') return { kind: 'copy' };
  if (first === 'DELIMITER') return { kind: 'delimiter' };
  if (first === 'GO' && rules.batches) return { kind: 'line' };
  if (first === 'SET') return { kind: 'set' };
  if (first === 'USE') return { kind: 'use' };
  if (first === 'CREATE') return createKind(tokens, rules);
  if (first === 'ALTER' && ROUTINES.has(second)) return skip(routineBody(rules));
  if (first === 'ALTER' && second === 'TABLE') return { kind: 'alter-table' };
  if (first === 'DROP' && second === 'TABLE') return { kind: 'drop-table' };
  return transactionKind(first, second, rules) ?? otherKind(tokens, first, second, rules);
}

function otherKind(tokens: readonly Token[], first: string, second: string, rules: LexicalRules): StatementKind {
  if (first === 'DELETE' && tokens[2]?.text.startsWith('sqlite_')) return skip('none');
  if (REFUSED.has(first)) return refuse(`${first} changes rows, and only INSERT … VALUES and COPY … FROM stdin are read`);
  if (first === 'LOAD' && (second === 'DATA' || second === 'XML')) return refuse(`LOAD ${second} takes its rows from another file; import that file`);
  if (INCLUDES.has(first)) return refuse('it includes another file; import that file too');
  if (ORACLE_LINES.has(first)) return { kind: 'line' };
  if (CONTAINERS.has(first)) return { kind: 'skip', body: first === 'DECLARE' ? blockBody(rules) : 'none', watched: CHANGES };
  if (SKIPPED.has(first)) return first === 'SELECT' ? { kind: 'skip', body: 'none', watched: new Set(rules.dialect === 'mysql' ? [] : ['INTO']) } : skip('none');
  return refuse(`"${tokens[0].text.slice(0, 40)}" begins no statement that is known`);
}

function transactionKind(first: string, second: string, rules: LexicalRules): StatementKind | undefined {
  if (first === 'START' && second === 'TRANSACTION') return { kind: 'begin' };
  if (first === 'COMMIT' || (first === 'END' && second !== 'IF' && !rules.batches)) return { kind: 'commit' };
  if (first === 'ROLLBACK') return second === 'TO' ? skip('none') : { kind: 'rollback' };
  if (first !== 'BEGIN') return undefined;
  const transaction = ['', ';', 'TRANSACTION', 'WORK', 'TRAN', 'ISOLATION', 'READ', 'IMMEDIATE', 'DEFERRED', 'EXCLUSIVE', 'NOT'].includes(second);
  if (transaction) return { kind: 'begin' };
  // A block: in SQL Server its statements are looked at one by one, elsewhere as a whole.
  return rules.batches ? { kind: 'skip', body: 'none', watched: CHANGES } : { kind: 'skip', body: blockBody(rules), watched: CHANGES };
}

function createKind(tokens: readonly Token[], rules: LexicalRules): StatementKind {
  for (const token of tokens.slice(1, CREATE_WORDS)) {
    if (token.kind !== 'word') continue;
    if (token.keyword === 'TABLE') return { kind: 'table' };
    if (ROUTINES.has(token.keyword)) return skip(routineBody(rules));
    if (token.keyword === 'TYPE') return skip(rules.dialect === 'oracle' ? 'slash' : 'none');
    if (token.keyword === 'VIEW') return skip(rules.batches ? 'batch' : 'none');
    if (['INDEX', 'SCHEMA', 'DATABASE', 'RULE', 'SEQUENCE', 'DOMAIN', 'EXTENSION', 'USER', 'ROLE', 'VIRTUAL', 'AGGREGATE', 'OPERATOR', 'POLICY', 'PUBLICATION'].includes(token.keyword)) break;
  }
  return skip('none');
}

function routineBody(rules: LexicalRules): Body {
  if (rules.batches) return 'batch';
  return rules.dialect === 'oracle' ? 'slash' : 'blocks';
}

function blockBody(rules: LexicalRules): Body {
  return rules.dialect === 'oracle' ? 'slash' : 'none';
}

function skip(body: Body): StatementKind {
  return { kind: 'skip', body, watched: NOTHING };
}

function refuse(reason: string): StatementKind {
  return { kind: 'refuse', reason };
}

const LABEL_MODIFIERS: ReadonlySet<string> = new Set(['OR', 'REPLACE', 'UNIQUE', 'MATERIALIZED', 'TEMPORARY', 'TEMP', 'GLOBAL', 'LOCAL', 'UNLOGGED']);

/** For the counts of what was passed over: `CREATE INDEX`, `SET`. */
export function statementLabel(tokens: readonly Token[]): string {
  const [first] = tokens;
  const second = tokens.slice(1).find((token) => !LABEL_MODIFIERS.has(token.keyword));
  const two = ['CREATE', 'ALTER', 'DROP', 'LOCK', 'COMMENT'].includes(first.keyword) && second?.kind === 'word';
  return two ? `${first.keyword} ${second.keyword}` : first.keyword || first.text;
}
