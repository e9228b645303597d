/** `sluice restore` is two jobs with one name: of files with rows, and of backups of a database. Each refuses the options that only the other knows. */
import type { BackupRestoreOptions } from '../backup/restore/options.ts';
import { SluiceError } from '../errors/sluice-error.ts';
import type { RestoreOptions } from '../transfer/transfer.ts';

type OnlyOfBackups = Omit<BackupRestoreOptions, keyof RestoreOptions | 'clean'>;

export type RestoreRequest = RestoreOptions & OnlyOfBackups;

/** Names as they are on the command line. */
const OF_BACKUPS: Readonly<Record<keyof OnlyOfBackups, string>> = {
  where: '--where', dataOnly: '--data-only', schemaOnly: '--schema-only', mapSchemas: '--map-schema', noOwner: '--no-owner', noPrivileges: '--no-privileges', noComments: '--no-comments',
  noAnalyze: '--no-analyze', skipDamaged: '--skip-damaged',
};
const OF_FILES = { pick: '--pick', mapTables: '--map-table', format: '--format', onError: '--on-error', maxErrors: '--max-errors', disableTriggers: '--disable-triggers' } as const;

/** @throws SluiceError OPTION_UNSUPPORTED */
export function filesOptions(request: RestoreRequest): RestoreOptions {
  refuse(request, OF_BACKUPS, 'in a restore of files: it is for backup repositories and archives of pg_dump');
  return request;
}

/** @throws SluiceError OPTION_UNSUPPORTED */
export function backupOptions(request: RestoreRequest): BackupRestoreOptions {
  refuse(request, OF_FILES, 'in a restore of a backup repository or an archive of pg_dump');
  const { source, to, reference, tables, exclude, mode, where, dataOnly, schemaOnly, mapSchemas, noOwner, noPrivileges, noComments, noAnalyze, skipDamaged } = request;
  if (mode === 'upsert') throw new SluiceError('OPTION_UNSUPPORTED', { option: '--mode upsert', context: 'in a restore of a backup repository or an archive of pg_dump' });
  const all = { reference, tables, exclude, where, dataOnly, schemaOnly, mapSchemas, noOwner, noPrivileges, noComments, noAnalyze, skipDamaged, clean: mode === 'replace' };
  return { source, to, ...(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== false)) as Omit<BackupRestoreOptions, 'source' | 'to'>) };
}

function refuse(request: RestoreRequest, names: Readonly<Record<string, string>>, context: string): void {
  for (const [key, option] of Object.entries(names)) {
    const value = request[key as keyof RestoreRequest];
    if (value !== undefined && value !== false) throw new SluiceError('OPTION_UNSUPPORTED', { option, context });
  }
}
