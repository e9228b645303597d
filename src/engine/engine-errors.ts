/**
 * What the engine's messages mean. DuckDB reports everything as text `CATEGORY Error: message`, with advice and the statement below; the category
 * and a few stable phrases decide the code, and the first line is what a person gets to read.
 */
import type { ErrorCode } from '../errors/error-codes.ts';
import { SluiceError, type ErrorPlace } from '../errors/sluice-error.ts';
import { valueFailureOf } from './value-failure.ts';

/** What the caller knows and the message does not say. */
export interface EngineErrorContext {
  /** The database, for people. */
  readonly connection?: string;
  readonly table?: string;
  /** The file that the statement writes. */
  readonly path?: string;
  /** The file or stream that the statement reads, for people. */
  readonly source?: string;
  /** The statement comes from the user: what it cannot be compiled is his mistake. */
  readonly userSql?: boolean;
}

const LONGEST_REASON = 300;

export function engineError(error: unknown, context: EngineErrorContext = {}): SluiceError {
  if (error instanceof SluiceError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const place: ErrorPlace = { ...(context.table === undefined ? {} : { table: context.table }) };
  return (context.userSql === true ? userError(message, place, error) : undefined)
    ?? valueError(message, context, place, error)
    ?? csvError(message, context, place, error)
    ?? systemError(message, context, place, error)
    ?? statementError(message, context, place, error)
    ?? new SluiceError('ENGINE_ERROR', { reason: reasonOf(message) }, place, error);
}

/** The engine's first line without category, statement and advice. */
function reasonOf(message: string): string {
  const body = message.replace(/^(?:Error: )?(?:[A-Za-z ]+ Error: )?/, '');
  const line = body.split('\n', 1)[0].trim();
  return line.length > LONGEST_REASON ? `${line.slice(0, LONGEST_REASON)}…` : line;
}

function valueError(message: string, context: EngineErrorContext, place: ErrorPlace, cause: unknown): SluiceError | undefined {
  const failure = valueFailureOf(message);
  const table = context.table ?? 'the table';
  if (failure !== undefined) {
    const at = { ...place, column: failure.column, ...(failure.record === undefined ? {} : { row: failure.record }) };
    return new SluiceError('VALUE_INVALID', { column: failure.column, table, reason: `"${failure.value}" cannot be stored as ${failure.type} without loss` }, at, cause);
  }
  if (/NOT NULL constraint failed/.test(message)) {
    const column = /NOT NULL constraint failed: (?:.*\.)?([^.\n]+)$/m.exec(message)?.[1] ?? '?';
    return new SluiceError('NOT_NULL_VIOLATED', { column, table, constraint: 'NOT NULL', reason: 'NULL in a column that must have a value' }, { ...place, column }, cause);
  }
  if (message.startsWith('Constraint Error')) {
    const constraint = /(PRIMARY KEY|UNIQUE|FOREIGN KEY|foreign key|CHECK|primary key|unique)/.exec(message)?.[1]?.toUpperCase() ?? 'constraint';
    return new SluiceError(violationOf(message, constraint), { constraint, table, reason: reasonOf(message) }, place, cause);
  }
  if (message.startsWith('Conversion Error') && !message.includes('CSV Error on Line')) {
    return new SluiceError('VALUE_INVALID', { column: '?', table, reason: reasonOf(message) }, place, cause);
  }
  return undefined;
}

/** A row that cannot go because others refer to it is none of the rows that are loaded: that stays the general code. */
function violationOf(message: string, constraint: string): ErrorCode {
  if (message.includes('still referenced')) return 'CONSTRAINT_VIOLATED';
  switch (constraint) {
    case 'PRIMARY KEY': case 'UNIQUE': return 'UNIQUE_VIOLATED';
    case 'CHECK': return 'CHECK_VIOLATED';
    case 'FOREIGN KEY': return 'FOREIGN_KEY_VIOLATED';
    default: return 'CONSTRAINT_VIOLATED';
  }
}

/** Errors of the engine's CSV reader carry a line; which of them it is shows in the lines that follow. */
function csvError(message: string, context: EngineErrorContext, place: ErrorPlace, cause: unknown): SluiceError | undefined {
  const line = Number(/CSV Error on Line: (\d+)/.exec(message)?.[1] ?? NaN);
  if (Number.isNaN(line)) return undefined;
  const source = context.source ?? 'the source';
  const at = { ...place, line };
  const counts = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message);
  if (counts !== null) return new SluiceError('CSV_FIELD_COUNT', { source, expected: Number(counts[1]), found: Number(counts[2]) }, at, cause);
  const conversion = /Error when converting column "(.*?)"\. (.*)/.exec(message);
  if (conversion !== null) {
    const column = conversion[1];
    return new SluiceError('VALUE_INVALID', { column, table: context.table ?? 'the table', reason: conversion[2].trim() }, { ...at, column }, cause);
  }
  if (/Invalid unicode|not utf-8/i.test(message)) return new SluiceError('ENCODING_INVALID', { source, encoding: 'utf-8' }, at, cause);
  const limit = /Maximum line size of (\d+) bytes exceeded/i.exec(message)?.[1];
  if (limit !== undefined) return new SluiceError('RECORD_TOO_LARGE', { source, limit: Number(limit) }, at, cause);
  const reason = /unterminated quote/.test(message) ? 'a quoted field is not ended' : csvReason(message);
  return new SluiceError('CSV_MALFORMED', { source, reason }, at, cause);
}

function csvReason(message: string): string {
  const lines = message.split('\n').map((line) => line.trim());
  const start = lines.findIndex((line) => line.startsWith('Original Line:'));
  const told = lines.slice(start + 2).find((line) => line !== '');
  return told === undefined ? 'the record cannot be read' : told.slice(0, LONGEST_REASON);
}

/** Disk, memory, locks, files. */
function systemError(message: string, context: EngineErrorContext, place: ErrorPlace, cause: unknown): SluiceError | undefined {
  const path = context.path ?? context.connection ?? 'the engine';
  if (message.startsWith('INTERRUPT')) return new SluiceError('CANCELLED', {}, place, cause);
  if (/No space left on device|Disk quota exceeded/.test(message)) return new SluiceError('DISK_FULL', { path }, { ...place, file: path }, cause);
  if (/max_temp_directory_size/.test(message)) return new SluiceError('DISK_FULL', { path: 'temporary files of the embedded engine' }, place, cause);
  if (message.startsWith('Out of Memory Error')) {
    return new SluiceError('ENGINE_ERROR', { reason: `${reasonOf(message)}: out of memory; raise the engine's memory (SLUICE_ENGINE_MEMORY)` }, place, cause);
  }
  if (/Conflicting lock is held|Could not set lock on file/.test(message)) return new SluiceError('DATABASE_LOCKED', { path }, place, cause);
  if (/not a valid DuckDB database file/.test(message)) return new SluiceError('ENGINE_ERROR', { reason: `${path} is not a DuckDB database` }, place, cause);
  if (message.startsWith('IO Error') && context.path !== undefined && /Cannot open file|Could not write|Permission denied/.test(message)) {
    return new SluiceError('TARGET_UNWRITABLE', { path: context.path, reason: reasonOf(message) }, { ...place, file: context.path }, cause);
  }
  return undefined;
}

/** What is wrong in a statement that the user wrote, or with the values that it computes. Resources and files are not his. */
function userError(message: string, place: ErrorPlace, cause: unknown): SluiceError | undefined {
  if (valueFailureOf(message) !== undefined || /^(INTERRUPT|Out of Memory|IO|FATAL|INTERNAL|TransactionContext)/.test(message)) return undefined;
  return new SluiceError('QUERY_INVALID', { reason: reasonOf(message) }, place, cause);
}

function statementError(message: string, context: EngineErrorContext, place: ErrorPlace, cause: unknown): SluiceError | undefined {
  const unknown = /^Catalog Error: Table with name (.*) does not exist!/.exec(message)?.[1];
  if (unknown === undefined) return undefined;
  const similar = /Did you mean "(.*?)"\?/.exec(message)?.[1];
  const suggestion = similar === undefined ? 'Check the name of the table.' : `Did you mean "${similar}"?`;
  return new SluiceError('TABLE_UNKNOWN', { table: unknown, connection: context.connection ?? 'the database', suggestion }, { ...place, table: unknown }, cause);
}
