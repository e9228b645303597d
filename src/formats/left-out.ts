/** The records of a part that its format left out, in order; the same however often the part is read. */
import type { ErrorCode } from '../errors/error-codes.ts';
import { SluiceError, type ErrorFacts } from '../errors/sluice-error.ts';
import type { Rejection } from '../rows/rejection.ts';

/** What a rejection takes in memory, about: parts of nothing but bad records must end, too. */
export const REJECTION_BYTES = 128;

export type RecordProblem = Pick<Rejection, 'code' | 'message' | 'column'>;

export function problemOf(code: ErrorCode, facts: ErrorFacts): RecordProblem {
  return { code, message: new SluiceError(code, facts).message };
}

export class LeftOut {
  readonly rejections: Rejection[] = [];

  /** `record`: its number (from 1) in the part. Records that an earlier reading has already told of are not told of again. */
  add(record: number, { code, message, column }: RecordProblem): void {
    if (record > (this.rejections.at(-1)?.record ?? 0)) this.rejections.push({ record, code, message, ...(column === undefined ? {} : { column }) });
  }

  /** The number in the part of the nth record (from 1) that was not left out. */
  recordOf(nth: number): number {
    let record = nth;
    for (const rejection of this.rejections) {
      if (rejection.record > record) break;
      record++;
    }
    return record;
  }
}
