/** What the server says, typed by its own contracts. Types only: nothing of them is loaded. */
import type { z } from 'zod';
import type { ConnectionListing, listTables, tryConnection } from '../../../src/server/contracts/connections.ts';
import type { Problem } from '../../../src/server/contracts/common.ts';
import type { listFiles } from '../../../src/server/contracts/files.ts';
import type { AnswerOf, RouteContract } from '../../../src/server/contracts/route-contract.ts';
import type { listQuarantine, listRuns, showRun, startRun } from '../../../src/server/contracts/runs.ts';
import type { Principal, TokenListing } from '../../../src/server/contracts/session.ts';
import type { showSettings } from '../../../src/server/contracts/system.ts';
import type { BackupListing, RepositoryListing } from '../../../src/server/contracts/repositories.ts';
import type { showHistory } from '../../../src/server/contracts/monitor.ts';
import type { PartMapData } from '../../../src/progress/part-map.ts';
import type { ProgressEvent } from '../../../src/progress/progress-event.ts';
import type { Receipt } from '../../../src/jobs/receipt.ts';
import type { TransferPlan } from '../../../src/pipeline/transfer.ts';

export type { BackupListing, ConnectionListing, PartMapData, RepositoryListing, Principal, Problem, ProgressEvent, Receipt, TokenListing, TransferPlan };

export type HistoryPoint = Item<typeof showHistory>;
export type QuarantinedRow = Item<typeof listQuarantine>;

type Item<C extends RouteContract> = AnswerOf<C> extends { items: (infer I)[] } ? I : never;

export type RunListing = Item<typeof listRuns>;
export type RunDetails = Omit<AnswerOf<typeof showRun>, 'plan' | 'receipt'> & { plan: TransferPlan | null; receipt: Receipt | null };
export type TableListing = Item<typeof listTables>;
export type FileListing = Item<typeof listFiles>;
export type QuarantinePage = AnswerOf<typeof listQuarantine>;
export type Settings = AnswerOf<typeof showSettings>;
export type ConnectionTest = AnswerOf<typeof tryConnection>;
export type JobRequest = z.input<NonNullable<(typeof startRun)['body']>>;
