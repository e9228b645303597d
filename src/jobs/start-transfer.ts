import type { VerifyJobOptions } from '../backup/verify/verify-job.ts';
import type { BackupOptions } from '../backup/create/backup-options.ts';
import type { CopyOptions, ExportOptions, ImportOptions } from '../transfer/transfer.ts';
import { SluiceError } from '../errors/sluice-error.ts';
import type { RunContext } from '../pipeline/run-context.ts';
import type { Transfer } from '../pipeline/transfer.ts';
import { backupOptions, filesOptions, type RestoreRequest } from './restore-request.ts';
import { resumeRun, startRun, type RunHandle, type StartRunOptions } from './start-run.ts';

/** Each job loads its code when it starts: starting an import must not pay for the export. */

export function startImport(options: ImportOptions, run: StartRunOptions): RunHandle {
  return startRun('import', async (context) => (await import('../transfer/import.ts')).planImport(options, context), run);
}

export function startExport(options: ExportOptions, run: StartRunOptions): RunHandle {
  return startRun('export', async (context) => (await import('../transfer/export.ts')).planExport(options, context), run);
}

export function startCopy(options: CopyOptions, run: StartRunOptions): RunHandle {
  return startRun('copy', async (context) => (await import('../transfer/copy.ts')).planCopy(options, context), run);
}

export function startBackup(options: BackupOptions, run: StartRunOptions): RunHandle {
  return startRun('backup', async (context) => (await import('../backup/create/plan-backup.ts')).planBackup(options, context), run);
}

export function startVerify(options: VerifyJobOptions, run: StartRunOptions): RunHandle {
  return startRun('verify', async (context) => (await import('../backup/verify/verify-job.ts')).planVerify(options, context), run);
}

/** Jobs that go on after an interruption. */
export type ResumableJob = 'import' | 'restore' | 'backup';

/** Goes on with an interrupted import, restore or backup. `to`: the resolved target; of a backup the source. */
export function resumeLoad(run: string, job: ResumableJob, to: string, options: StartRunOptions): RunHandle {
  return resumeRun(run, job, (context) => prepareAgain(job, to, context), options);
}

async function prepareAgain(job: ResumableJob, to: string, context: RunContext): Promise<Transfer> {
  if (job === 'backup') return (await import('../backup/create/plan-backup.ts')).resumeBackup(to, context);
  if (job === 'import') return (await import('../transfer/import.ts')).resumeImport(to, context);
  const { isRestoreState } = await import('../backup/restore/restore-state.ts');
  if (isRestoreState(context.resumed)) return (await import('../backup/restore/restore.ts')).resumeBackupRestore(to, context);
  return (await import('../transfer/restore.ts')).resumeRestore(to, context);
}

/** Gives up an interrupted import or restore: what it has made in the target goes. What a backup has stored is used by the next one. Ends as cancelled. */
export function discardLoad(run: string, job: ResumableJob, to: string, options: StartRunOptions): RunHandle {
  return resumeRun(run, job, async (context) => {
    const transfer = await prepareAgain(job, to, context);
    let isGivenUp = false;
    const giveUp = async (): Promise<never> => {
      await transfer.giveUp!();
      isGivenUp = true;
      throw new SluiceError('CANCELLED');
    };
    return {
      plan: transfer.plan, run: giveUp, close: () => transfer.close(),
      // What could not be given up stays, to be given up or to go on.
      get suspended() { return !isGivenUp; },
    };
  }, options);
}

/** Of files with rows, or, where the source is a repository or an archive of pg_dump, of a whole database. */
export function startRestore(options: RestoreRequest, run: StartRunOptions): RunHandle {
  return startRun('restore', async (context) => {
    const { isBackup } = await import('../backup/restore/open-source.ts');
    if (!await isBackup(options.source)) return (await import('../transfer/restore.ts')).planRestore(filesOptions(options), context);
    return (await import('../backup/restore/restore.ts')).planBackupRestore(backupOptions(options), context);
  }, run);
}
