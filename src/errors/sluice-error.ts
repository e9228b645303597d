import { ERROR_CODES, type ErrorCode, type ExitCode } from './error-codes.ts';

/** Where the trouble is. Counts start at 1 (row, line); `byte` is an offset from 0 in the decompressed source. */
export interface ErrorPlace {
  file?: string;
  table?: string;
  column?: string;
  part?: number;
  row?: number;
  line?: number;
  byte?: number;
}

export type ErrorFacts = Record<string, string | number | bigint | undefined>;

/**
 * The only error that leaves Sluice. `message` is complete for a person; `facts` are what it was made of;
 * `at` says where; `hint` what to do next. Secrets never enter facts: connections appear by their redacted name.
 */
export class SluiceError extends Error {
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;
  readonly at: ErrorPlace;
  readonly hint: string;
  readonly exitCode: ExitCode;
  readonly httpStatus: number;
  readonly retryable: boolean;

  constructor(code: ErrorCode, facts: ErrorFacts = {}, at: ErrorPlace = {}, cause?: unknown) {
    const definition = ERROR_CODES[code];
    super(fill(definition.message, facts), cause === undefined ? undefined : { cause });
    this.name = 'SluiceError';
    this.code = code;
    this.facts = facts;
    this.at = at;
    this.hint = fill(definition.hint, facts);
    this.exitCode = definition.exit;
    this.httpStatus = definition.http;
    this.retryable = definition.retryable === true;
  }

  /** The same error with more of its place known; what is already known is kept. */
  locatedAt(place: ErrorPlace): SluiceError {
    return new SluiceError(this.code, this.facts, { ...place, ...this.at }, this.cause);
  }

  toJSON(): { code: ErrorCode; message: string; hint: string; at: ErrorPlace } {
    return { code: this.code, message: this.message, hint: this.hint, at: this.at };
  }
}

/** Wraps anything thrown, so that callers only ever see a SluiceError. An AbortError becomes CANCELLED. */
export function toSluiceError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  if (error instanceof Error && (error.name === 'AbortError' || (error as NodeJS.ErrnoException).code === 'ABORT_ERR')) {
    return error.cause instanceof SluiceError ? error.cause : new SluiceError('CANCELLED', {}, {}, error);
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new SluiceError('INTERNAL', { reason }, {}, error);
}

/** True for errors of the operating system that carry a code, such as ENOENT. */
export function hasSystemCode(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && codes.includes(String((error as NodeJS.ErrnoException).code));
}

function fill(template: string, facts: ErrorFacts): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => (facts[name] === undefined ? whole : String(facts[name])));
}
