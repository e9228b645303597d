import type { ErrorCode } from '../errors/error-codes.ts';

/** Why a record is not among the rows that were written. Plain data: it is stored before the rest of its part is committed. */
export interface Rejection {
  /** Number (from 1) of the record within its part. */
  readonly record: number;
  readonly code: ErrorCode;
  /** What is wrong, in a sentence, without the place. */
  readonly message: string;
  readonly column?: string;
  readonly constraint?: string;
  /** The fields as text, in the order of the load's columns, where they are known: they stand in for the record where its source cannot be read again. */
  readonly values?: readonly (string | null)[];
}

/** Where a record is in its source. Bytes count in the decompressed source. */
export interface RecordPlace {
  readonly file?: string;
  /** From 1, within the table's records of this source. */
  readonly row?: number;
  /** From 1. */
  readonly line?: number;
  /** Of its first byte. */
  readonly byte?: number;
  /** Exclusive, without the line end or comma that follows; with `byte` the record as the source has it. */
  readonly endByte?: number;
}
