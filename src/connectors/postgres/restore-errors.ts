/** Errors of definitions: which object of the backup, where in its text, and what the server says. */
import type { ErrorCode } from '../../errors/error-codes.ts';
import { SluiceError, toSluiceError, type ErrorPlace } from '../../errors/sluice-error.ts';
import { hasSqlState } from './errors.ts';

/** They say something of the definition; all others of the connection, the server or the run. */
const OF_DEFINITIONS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'DATABASE_ERROR', 'PERMISSION_DENIED', 'TABLE_UNKNOWN', 'TABLE_EXISTS', 'ROW_INVALID', 'VALUE_INVALID', 'ROW_SECURITY', 'QUERY_INVALID', 'ENCODING_INVALID', 'NUL_BYTE', 'DATABASE_UNKNOWN', 'INTERNAL',
  'CONSTRAINT_VIOLATED', 'UNIQUE_VIOLATED', 'NOT_NULL_VIOLATED', 'CHECK_VIOLATED', 'FOREIGN_KEY_VIOLATED', 'EXCLUSION_VIOLATED',
]);

interface ServerAnswer extends Error {
  readonly detail?: string;
  /** From 1, in characters. */
  readonly position?: string;
}

/** @param offset characters before `sql` in the text that was run */
export function entryFailure(error: unknown, entry: string, sql: string, offset: number): SluiceError {
  const coded = toSluiceError(error);
  if (!OF_DEFINITIONS.has(coded.code)) return coded;
  const answer = coded.cause as ServerAnswer | undefined;
  const reason = answer === undefined ? coded.message : `${answer.message}${answer.detail === undefined ? '' : ` (${answer.detail})`}`;
  return new SluiceError('RESTORE_ENTRY_FAILED', { entry, reason }, placeIn(sql, Number(answer?.position ?? 0) - offset), answer ?? coded);
}

/** @param position from 1; outside of the text when it is about something else */
function placeIn(sql: string, position: number): ErrorPlace {
  if (position < 1 || position > sql.length) return {};
  let line = 1, characters = 1;
  // The server counts characters, and JavaScript counts those outside of the BMP twice.
  for (const character of sql) {
    if (characters++ === position) break;
    if (character === '\n') line++;
  }
  return { line };
}

export function isMissingRole(error: unknown): boolean {
  return hasSqlState(error, '42704') && /role/i.test((error as Error & { routine?: string }).routine ?? '');
}

export function isNoRight(error: unknown): boolean {
  return hasSqlState(error, '42501');
}

export function isNotFilled(error: unknown): boolean {
  return hasSqlState(error, '55000');
}

/** Of any kind, or what it is in. */
export function isUnknownObject(error: unknown): boolean {
  return hasSqlState(error, '42P01', '42704', '42883', '42703', '3F000');
}
