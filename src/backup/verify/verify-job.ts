/**
 * The job `verify`: a repository or one of its backups read through, or a backup compared with a database, as a run that is recorded, followed and cancelled like any other. What it finds is in the
 * receipt, also when that makes it a failed run.
 */
import { connectorFor } from '../../connectors/registry.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { VerificationReceipt } from '../../pipeline/receipt.ts';
import type { RunContext } from '../../pipeline/run-context.ts';
import type { Transfer, TransferPlan, TransferResult } from '../../pipeline/transfer.ts';
import { TableMeter } from '../../pipeline/table-meter.ts';
import { compareBackup } from '../compare/compare-backup.ts';
import { comparisonProblem } from '../compare/comparison-problem.ts';
import { openRepository } from '../open-repository.ts';
import { lockIfWritable } from '../repository/lock.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import { verifyRepository } from '../repository/verify.ts';
import { verificationProblem } from '../repository/verification-problem.ts';

export interface VerifyJobOptions {
  /** Absolute path of the repository's folder. */
  readonly repository: string;
  /** A name or the beginning of one; without it all backups, and the newest for a comparison. */
  readonly backup?: string;
  /** Resolved URL of a database to compare with. */
  readonly against?: string;
  /** Of a comparison: names and globs; none: all. */
  readonly tables?: readonly string[];
  /** Of a comparison: rows shown of each table that differs. */
  readonly examples?: number;
  readonly percent?: number;
  /** Only chunks that were not verified since then, in milliseconds since 1970. */
  readonly notSince?: number;
}

const DEFAULT_EXAMPLES = 10;

/** @throws SluiceError REPOSITORY_UNKNOWN, BACKUP_UNKNOWN, OPTION_UNSUPPORTED, and of connecting */
export async function planVerify(options: VerifyJobOptions, context: RunContext): Promise<Transfer> {
  context.progress({ type: 'phase', phase: 'planning', at: Date.now() });
  const { repository } = await openRepository(options.repository, '/');
  return options.against === undefined ? planReading(repository, options, context) : planComparison(repository, options.against, options, context);
}

async function planReading(repository: Repository, { backup: wanted, percent, notSince }: VerifyJobOptions, context: RunContext): Promise<Transfer> {
  const backup = wanted === undefined ? undefined : await repository.find(wanted);
  const names = backup === undefined ? await repository.backupNames() : [backup];
  const which = notSince === undefined ? '' : ` that were not verified since ${new Date(notSince).toISOString()}`;
  const note = `${names.length} backups: every list, and that every chunk is there; ${percent === undefined ? `all chunks${which} are read` : `${percent} percent of the chunks${which} are read`}`;
  return {
    plan: planOf(repository, backup ?? null, 'the digests of its chunks', context, [note]),
    run: () => withProgress('chunks', context, async (tell) => {
      const lock = await lockIfWritable(repository, 'verify');
      try {
        const { signal, jobs } = context;
        const report = await verifyRepository(repository, { backup, percent, notSince, jobs, signal, onProgress: ({ chunksRead, bytesRead }) => tell(chunksRead, bytesRead) });
        return resultOf({ repository: repository.storage.name, backup: backup ?? null, against: null, report }, verificationProblem(report, repository.storage.name));
      } finally {
        await lock?.release();
      }
    }),
    close: async () => undefined,
  };
}

// oxlint-disable-next-line max-params -- what `planVerify` has
async function planComparison(repository: Repository, against: string, options: VerifyJobOptions, context: RunContext): Promise<Transfer> {
  const manifest = await repository.manifest(await repository.find(options.backup));
  if (!manifest.scope.data) throw new SluiceError('OPTION_UNSUPPORTED', { option: 'A comparison', context: `with ${manifest.backup}, a backup without rows` });
  const { signal, jobs, engineMemoryBytes, env } = context;
  const connector = await connectorFor(against);
  const connection = await connector.connect(against, { signal, jobs, engineMemoryBytes, applicationName: `sluice verify ${context.run}`, create: false, env });
  const openSource = connection.openCompare?.bind(connection);
  if (openSource === undefined) {
    await connection.close();
    throw new SluiceError('OPTION_UNSUPPORTED', { option: `A comparison with ${connection.name}`, context: 'here: backups are of PostgreSQL databases' });
  }
  return {
    plan: planOf(repository, manifest.backup, connection.name, context, comparisonNotes(manifest)),
    run: () => withProgress('rows', context, async (tell) => {
      const report = await compareBackup(repository, manifest, { openSource, tables: options.tables ?? [], examples: options.examples ?? DEFAULT_EXAMPLES, jobs, signal, onProgress: ({ rowsRead, bytesRead }) => tell(rowsRead, bytesRead) });
      return resultOf({ repository: repository.storage.name, backup: manifest.backup, against: connection.name, report }, comparisonProblem(report, `${repository.storage.name}@${manifest.backup}`, connection.name));
    }),
    close: () => connection.close(),
  };
}

function comparisonNotes({ totals }: Manifest): string[] {
  return [`${totals.tables} tables with ${totals.rows} rows: the database is read once, in one snapshot; of the backup only its lists`];
}

// oxlint-disable-next-line max-params -- the members of a plan
function planOf(repository: Repository, backup: string | null, to: string, { jobs }: RunContext, notes: readonly string[]): TransferPlan {
  return { version: 1, job: 'verify', from: backup === null ? repository.storage.name : `${repository.storage.name}@${backup}`, to, jobs, tables: [], notes };
}

/** What is read counts as one table, of chunks or of rows. */
async function withProgress(what: string, { progress }: RunContext, work: (tell: (rows: number, bytes: number) => void) => Promise<TransferResult>): Promise<TransferResult> {
  progress({ type: 'phase', phase: 'checking', at: Date.now() });
  const meter = new TableMeter(what, { exact: false }, progress);
  const result = await work((rows, bytes) => {
    meter.rows = rows;
    meter.addBytes(bytes - meter.bytes);
  });
  meter.done();
  return result;
}

function resultOf(verification: Omit<VerificationReceipt, 'ok'>, failure: SluiceError | undefined): TransferResult {
  return { tables: [], warnings: [], verification: { ok: failure === undefined, ...verification }, ...(failure === undefined ? {} : { failure }) };
}
