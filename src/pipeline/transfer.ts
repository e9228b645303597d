import type { LoadMode } from '../connectors/connector.ts';
import type { FormatName } from '../formats/format.ts';
import type { SluiceError } from '../errors/sluice-error.ts';
import type { BackupReceipt, TableReceipt, VerificationReceipt } from './receipt.ts';

/** A prepared job that moves rows (import, export, copy, backup, restore): its plan can be looked at before it runs. Run it at most once; close it always. */
export interface Transfer {
  readonly plan: TransferPlan;
  /** Moves everything and publishes it, or leaves the target as it was. */
  run(): Promise<TransferResult>;
  /** After a failure of `run`: the target was left so that the run can be resumed. */
  readonly suspended?: boolean;
  /** Instead of `run`, of a run that was taken up again: leaves the target as it was before the run. */
  giveUp?(): Promise<void>;
  /** Frees connections and files; safe before, after and instead of `run`. */
  close(): Promise<void>;
}

export interface TransferResult {
  readonly tables: readonly TableReceipt[];
  readonly warnings: readonly string[];
  /** The folder of the rejected rows, when there are any. */
  readonly quarantine?: string;
  /** Of a backup. */
  readonly backup?: BackupReceipt;
  /** Of a verification. */
  readonly verification?: VerificationReceipt;
  /** What was found makes this a failed run, although it came to its end. */
  readonly failure?: SluiceError;
  /** How long the steps took, of jobs that have some. */
  readonly steps?: readonly StepTime[];
  /** What of the source could not be read and was left out on request. */
  readonly missing?: readonly MissingPart[];
  /** To be called when the end of the run is recorded, before `close`: removes what resuming would have needed. */
  readonly forget?: () => Promise<void>;
}

export interface StepTime {
  readonly name: string;
  readonly seconds: number;
}

/** A piece of a damaged source that was left out. */
export interface MissingPart {
  readonly table: string;
  /** For people: `pages 512 to 1023`. */
  readonly place: string;
  readonly reason: string;
}

/** What a run will do, as plain data without secrets: printed by --dry-run, stored with the run. */
export interface TransferPlan {
  readonly version: 1;
  readonly job: 'import' | 'export' | 'copy' | 'backup' | 'restore' | 'verify';
  readonly from: string;
  readonly to: string;
  readonly jobs: number;
  readonly tables: readonly PlannedTable[];
  readonly notes: readonly string[];
}

/** An estimate; null when the plan does not say how large a table is. */
export function expectedParts({ tables }: TransferPlan): number | null {
  let sum = 0;
  for (const { parts, expected } of tables) {
    if (expected.bytes === undefined || parts.bytes <= 0) return null;
    sum += Math.max(1, Math.ceil(expected.bytes / parts.bytes));
  }
  return tables.length === 0 ? null : sum;
}

export interface PlannedTable {
  readonly name: string;
  /** Files or tables that the rows come from. */
  readonly from: readonly string[];
  readonly format?: FormatName;
  /** What was detected of the format: delimiter, charset … */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly encoding: string;
  readonly mode?: LoadMode;
  readonly creates?: boolean;
  readonly publication: string;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly source?: string }[];
  readonly parts: { readonly rule: string; readonly bytes: number };
  readonly expected: { readonly rows?: number; readonly bytes?: number };
  readonly statements: readonly string[];
}
