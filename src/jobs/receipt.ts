import { redactData, redactText } from '../config/redact.ts';
import { ERROR_CODES, type ErrorCode } from '../errors/error-codes.ts';
import type { ErrorPlace, SluiceError } from '../errors/sluice-error.ts';
import { totalsOf, type BackupReceipt, type TableReceipt, type Totals, type VerificationReceipt } from '../pipeline/receipt.ts';
import type { MissingPart, StepTime, TransferPlan } from '../pipeline/transfer.ts';

export type JobName = 'import' | 'export' | 'copy' | 'backup' | 'restore' | 'verify';

/** `planned`: a dry run, nothing was moved. Rows that were rejected do not change `done`; see `exitCodeOf`. */
export type ReceiptStatus = 'done' | 'failed' | 'cancelled' | 'planned';

/** The account of a run: what `--json` prints and the run store keeps. Public API; fields are only ever added. Holds no secrets. */
export interface Receipt {
  /** Null when the run never began because its options were wrong. */
  readonly run: string | null;
  readonly job: JobName;
  readonly status: ReceiptStatus;
  readonly tables: readonly TableReceipt[];
  readonly totals: Totals;
  /** Wall-clock time of the whole run. */
  readonly seconds: number;
  /** Highest resident memory of the process while the run lasted. In a server that is all of its runs together. */
  readonly peakRssBytes: number;
  /** Where the rejected rows are; null when there are none. */
  readonly quarantine: string | null;
  /** Of a backup that was made. */
  readonly backup?: BackupReceipt;
  /** Of a verification, whatever it found. */
  readonly verification?: VerificationReceipt;
  /** Performance targets that were checked; empty when the run has none. */
  readonly targets: readonly TargetResult[];
  /** Null when the run failed before it had a plan. */
  readonly plan: TransferPlan | null;
  /** What the user should know although the run went well; absent when there is nothing. */
  readonly warnings?: readonly string[];
  /** How long the steps of a restore took; absent where a run has none. */
  readonly steps?: readonly StepTime[];
  /** What was damaged at the source and left out on request; absent when there is nothing. */
  readonly missing?: readonly MissingPart[];
  readonly error?: ErrorReport;
  /** The run did not come to its end and can go on: the command. Absent otherwise. */
  readonly resume?: string;
}

export interface TargetResult {
  /** Of the first two at most `wanted` is to be measured, of the others at least. */
  readonly name: 'seconds' | 'peakRssBytes' | 'rowsPerSecond' | 'bytesPerSecond';
  readonly wanted: number;
  readonly measured: number;
  readonly met: boolean;
}

export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly at: ErrorPlace;
}

/** What the caller knows of a run that ended; the rest is computed. */
export interface ReceiptParts {
  readonly run: string | null;
  readonly job: JobName;
  readonly status: ReceiptStatus;
  readonly seconds: number;
  /** Default: the peak of the process. */
  readonly peakRssBytes?: number;
  readonly targets?: readonly TargetResult[];
  readonly tables?: readonly TableReceipt[];
  readonly plan?: TransferPlan | null;
  readonly warnings?: readonly string[];
  readonly quarantine?: string;
  readonly steps?: readonly StepTime[];
  readonly missing?: readonly MissingPart[];
  readonly backup?: BackupReceipt;
  readonly verification?: VerificationReceipt;
  readonly error?: SluiceError;
  readonly resumable?: boolean;
}

export function makeReceipt(parts: ReceiptParts): Receipt {
  const tables = parts.tables ?? [];
  const warnings = (parts.warnings ?? []).map(redactText);
  return {
    run: parts.run,
    job: parts.job,
    status: parts.status,
    tables,
    totals: totalsOf(tables),
    seconds: Math.round(parts.seconds * 1000) / 1000,
    peakRssBytes: parts.peakRssBytes ?? peakRssBytes(),
    quarantine: parts.quarantine ?? null,
    ...(parts.backup === undefined ? {} : { backup: parts.backup }),
    ...(parts.verification === undefined ? {} : { verification: redactData(parts.verification) }),
    targets: parts.targets ?? [],
    plan: redactData(parts.plan ?? null),
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(parts.steps === undefined ? {} : { steps: parts.steps }),
    ...(parts.missing === undefined ? {} : { missing: redactData(parts.missing) }),
    ...(parts.error === undefined ? {} : { error: reportError(parts.error) }),
    ...(parts.resumable === true && parts.run !== null ? { resume: `sluice runs resume ${parts.run}` } : {}),
  };
}

/** The error as data, secrets removed also from what a server said. */
export function reportError(error: SluiceError): ErrorReport {
  return redactData(error.toJSON());
}

/** 0 done, 3 done with rows rejected, 4 done without what is damaged at the source, else the exit code of the error (docs/exit-codes.md). */
export function exitCodeOf(receipt: Receipt): number {
  if (receipt.error !== undefined) return ERROR_CODES[receipt.error.code].exit;
  if (receipt.missing !== undefined && receipt.missing.length > 0) return 4;
  return receipt.totals.rejected > 0 ? 3 : 0;
}

/** In bytes; `maxRSS` is in KiB on every platform. */
export function peakRssBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
