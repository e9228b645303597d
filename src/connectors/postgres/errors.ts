/** What the server and the socket say, as coded errors with their place. */
import { SluiceError, toSluiceError, type ErrorFacts, type ErrorPlace } from '../../errors/sluice-error.ts';
import type { ErrorCode } from '../../errors/error-codes.ts';
import type { ConnectionTarget } from './connection-target.ts';
import { readCopyContext } from './copy-context.ts';

/** What the failed statement was about. */
export interface ErrorSubject {
  /** For people: the table's display name. */
  readonly table: string;
  /** The columns of a COPY FROM, to find the one that its context names. */
  readonly columns: readonly string[];
  /** The text is a user's own: what is wrong with it is the query's fault. */
  readonly isQuery: boolean;
  readonly connecting: boolean;
}

/** The fields of an ErrorResponse, as pg gives them. */
interface ServerError extends Error {
  readonly code: string;
  readonly severity: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly where?: string;
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;
  readonly routine?: string;
}

/** One of these; any, when none is said. */
export function hasSqlState(error: unknown, ...states: string[]): boolean {
  return isServerError(error) && (states.length === 0 || states.includes(error.code));
}

/** The statement failed for what is in the rows (or in what users wrote to check them), not for the state of the server or the session. */
export function isRowError(error: unknown): boolean {
  const cause = error instanceof SluiceError ? error.cause : error;
  return isServerError(cause) && !NOT_OF_ROWS.has(cause.code.slice(0, 2)) && cause.code !== '42501';
}

/** Connection, transaction, rollback and lock states, resources, operator, system, internal. */
const NOT_OF_ROWS: ReadonlySet<string> = new Set(['08', '25', '40', '53', '55', '57', '58', 'XX']);
export const NOT_OF_ROWS_SQL: string = [...NOT_OF_ROWS].map((name) => `'${name}'`).join(', ');

export function codedError(error: unknown, target: ConnectionTarget, subject: Partial<ErrorSubject> = {}): SluiceError {
  if (error instanceof SluiceError) return error;
  return isServerError(error) ? serverError(error, target, subject) : socketError(error, target, subject);
}

function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && 'severity' in error && /^[0-9A-Z]{5}$/.test((error as ServerError).code);
}

type Answer = readonly [code: ErrorCode, facts: ErrorFacts];

function serverError(error: ServerError, target: ConnectionTarget, subject: Partial<ErrorSubject>): SluiceError {
  const context = readCopyContext(error.where, subject.columns);
  const column = context.column ?? error.column;
  const at: ErrorPlace = {
    ...(subject.table === undefined ? {} : { table: subject.table }),
    ...(column === undefined ? {} : { column }),
    ...(context.line === undefined ? {} : { line: context.line }),
  };
  const [code, facts] = sessionAnswer(error, target) ?? (subject.isQuery === true ? queryAnswer(error) : undefined)
    ?? dataAnswer(error, at, target.name) ?? objectAnswer(error, target, subject);
  return new SluiceError(code, facts, at, error);
}

/** Errors of the connection, whatever the statement was. */
function sessionAnswer(error: ServerError, target: ConnectionTarget): Answer | undefined {
  const { address, name: connection, user, database } = target;
  const reason = error.message;
  // A replica, which has to replay what the primary did to the rows or tables that are read.
  if (error.code === '40001' && /conflict with recovery/.test(`${reason} ${error.routine ?? ''}`)) return ['REPLICA_CONFLICT', { connection, reason: fullReason(error) }];
  switch (error.code) {
    case '28P01':
    case '28000': {
      const note = target.passwordNote === undefined ? '' : `; ${target.passwordNote}`;
      return ['AUTH_FAILED', { address, user, reason: reason + note }];
    }
    case '3D000': return ['DATABASE_UNKNOWN', { address, database }];
    case '53300': return ['TOO_MANY_CONNECTIONS', { address }];
    case '57P03': return ['CONNECTION_LOST', { address, reason }];
    case '57P01': case '57P02': case '57P05': case '25P03': case '25P04': return ['CONNECTION_LOST', { address, reason }];
    case '57014': return ['STATEMENT_ENDED', { connection, reason }];
    // Where it is the table of locks that is full, the server's own hint names the setting.
    case '53200': return ['SERVER_MEMORY_FULL', { connection, reason: error.hint === undefined ? fullReason(error) : `${fullReason(error)}; ${error.hint}` }];
    case '40P01': case '40001': case '55P03': return ['DEADLOCK', { connection, reason }];
    case '53100': return ['SERVER_DISK_FULL', { connection }];
    default: return error.code.startsWith('08') ? ['CONNECTION_LOST', { address, reason }] : undefined;
  }
}

/** A statement that the user wrote: syntax, names, types, parameters, or that it would write. */
function queryAnswer(error: ServerError): Answer | undefined {
  const states = ['42601', '25006', '0A000', '42703', '42P01', '42883', '42804', '42P02', '42P18'];
  const wrong = states.includes(error.code) || (error.code.startsWith('42') && error.code !== '42501') || error.code.startsWith('22');
  return wrong ? ['QUERY_INVALID', { reason: fullReason(error) }] : undefined;
}

/** Errors of the rows themselves. */
function dataAnswer(error: ServerError, at: ErrorPlace, connection: string): Answer | undefined {
  const reason = fullReason(error);
  const table = at.table ?? error.table ?? 'the table';
  const column = at.column ?? error.column;
  switch (error.code) {
    case '22P04': return ['ROW_INVALID', { table, reason }];
    case '22021':
      return error.message.includes('0x00')
        ? ['NUL_BYTE', { source: at.table ?? connection, target: 'PostgreSQL' }]
        : ['ENCODING_INVALID', { source: at.table ?? connection, encoding: encodingName(error.message) }];
    case '22P05': return ['ENCODING_INVALID', { source: at.table ?? connection, encoding: encodingName(error.message) }];
    case '22P03': return ['ROW_INVALID', { table, reason }];
    default: break;
  }
  const isValue = error.code.startsWith('22');
  if (isValue && at.column !== undefined) return ['VALUE_INVALID', { column: at.column, table, reason }];
  if (isValue || (at.line !== undefined && (error.code.startsWith('54') || error.code === 'P0001'))) return ['ROW_INVALID', { table, reason }];
  if (error.code.startsWith('23')) return [constraintCode(error.code), { constraint: error.constraint ?? 'without a name', column: column ?? 'unknown', table, reason }];
  return undefined;
}

const CONSTRAINT_CODES: Readonly<Record<string, ErrorCode>> = {
  23505: 'UNIQUE_VIOLATED', 23502: 'NOT_NULL_VIOLATED', 23514: 'CHECK_VIOLATED', 23503: 'FOREIGN_KEY_VIOLATED', '23P01': 'EXCLUSION_VIOLATED',
};

/** @param state an SQLSTATE of class 23 */
function constraintCode(state: string): ErrorCode {
  return CONSTRAINT_CODES[state] ?? 'CONSTRAINT_VIOLATED';
}

/** The code of a row that the server refused with this SQLSTATE. */
export function rejectionCode(state: string): ErrorCode {
  if (state.startsWith('23')) return constraintCode(state);
  return state.startsWith('22') ? 'VALUE_INVALID' : 'ROW_INVALID';
}

/** Errors of the objects that a statement names, and all others. */
function objectAnswer(error: ServerError, target: ConnectionTarget, subject: Partial<ErrorSubject>): Answer {
  const connection = target.name;
  const table = subject.table ?? 'that';
  // The message is in the server's language; the function's name is not.
  if (error.routine === 'check_enable_rls') return ['ROW_SECURITY', { table, user: target.user }];
  if (error.code === '25006') return ['TARGET_READ_ONLY', { connection, reason: error.message }];
  if (error.code === '42501') return ['PERMISSION_DENIED', { connection, reason: fullReason(error) }];
  if (error.code === '42P01') return ['TABLE_UNKNOWN', { table, connection, suggestion: 'It was there before: something has dropped or renamed it.' }];
  if (error.code === '42P07') return ['TABLE_EXISTS', { table, connection }];
  return ['DATABASE_ERROR', { connection, reason: fullReason(error) }];
}

function fullReason(error: ServerError): string {
  return error.detail === undefined ? error.message : `${error.message} (${error.detail})`;
}

/** `invalid byte sequence for encoding "UTF8": 0xff`; some languages have other quotes. */
function encodingName(message: string): string {
  const name = /["«»„“]\s*(UTF8|LATIN1|WIN1252)/.exec(message)?.[1];
  return name === undefined ? 'text in its encoding' : { UTF8: 'UTF-8', LATIN1: 'Latin-1', WIN1252: 'windows-1252' }[name]!;
}

function socketError(error: unknown, target: ConnectionTarget, subject: Partial<ErrorSubject>): SluiceError {
  if (error instanceof Error && error.name === 'AbortError') return toSluiceError(error);
  const { address } = target;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const reason = error instanceof Error ? error.message || code : String(error);
  if (['ECONNREFUSED', 'ENOENT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL'].includes(code)) {
    return new SluiceError('CONNECT_REFUSED', { address }, {}, error);
  }
  if (code === 'EACCES') return new SluiceError('PERMISSION_DENIED', { connection: target.name, reason }, {}, error);
  if (code === 'ETIMEDOUT' && subject.connecting === true) return new SluiceError('CONNECT_TIMEOUT', { address, seconds: target.timeoutSeconds }, {}, error);
  const isLost = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'].includes(code);
  if (isLost || /connection terminated|not queryable|client was closed/i.test(reason)) {
    return new SluiceError('CONNECTION_LOST', { address, reason }, subject.table === undefined ? {} : { table: subject.table }, error);
  }
  if (/^SASL|password/i.test(reason)) return new SluiceError('AUTH_FAILED', { address, user: target.user, reason }, {}, error);
  return toSluiceError(error);
}
