/** The page groups of the last backup of the same database: cut in the same way, what did not change is the same content. */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { BackupTable, PageGroups } from '../../connectors/backup-source.ts';
import { readList, tableEntrySchema, type TableEntry } from '../repository/entry-list.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';

/** Backups that are looked at for one of the same database; the repository may hold those of others. */
const MOST_MANIFESTS = 50;

export class PreviousGroups {
  /** In the order of schema and name, like the tables that are asked for. */
  readonly #entries: AsyncGenerator<TableEntry, void, undefined> | undefined;
  #current: TableEntry | undefined;
  #isAtEnd = false;

  private constructor(entries: AsyncGenerator<TableEntry, void, undefined> | undefined) {
    this.#entries = entries;
  }

  static async of(repository: Repository, source: { readonly address: string; readonly database: string }): Promise<PreviousGroups> {
    const manifest = await lastOf(repository, source);
    if (manifest === undefined) return new PreviousGroups(undefined);
    // What is damaged only makes chunks anew.
    return new PreviousGroups(readList(repository.chunks, manifest.tables, tableEntrySchema, { backup: manifest.backup, onDamage: () => undefined }));
  }

  /** To be asked in the order of schema and name. */
  async find(table: BackupTable): Promise<PageGroups | undefined> {
    if (this.#entries === undefined) return undefined;
    while (!this.#isAtEnd && (this.#current === undefined || compare(this.#current, table) < 0)) {
      const next = await this.#entries.next();
      this.#isAtEnd = next.done === true;
      this.#current = next.done === true ? undefined : next.value;
    }
    return this.#current !== undefined && compare(this.#current, table) === 0 ? this.#current.groups : undefined;
  }
}

type Named = Pick<BackupTable, 'schema' | 'name'>;

function compare(a: Named, b: Named): number {
  return Buffer.compare(Buffer.from(a.schema), Buffer.from(b.schema)) || Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
}

/** From the same server if there is one; it may have another address by now. */
async function lastOf(repository: Repository, { address, database }: { readonly address: string; readonly database: string }): Promise<Manifest | undefined> {
  let elsewhere: Manifest | undefined;
  for (const backup of (await repository.backupNames()).slice(-MOST_MANIFESTS).toReversed()) {
    const manifest = await readable(repository, backup);
    if (manifest?.source.database !== database || !manifest.scope.data) continue;
    if (manifest.source.address === address) return manifest;
    elsewhere ??= manifest;
  }
  return elsewhere;
}

async function readable(repository: Repository, backup: string): Promise<Manifest | undefined> {
  try {
    return await repository.manifest(backup);
  } catch (error) {
    if (error instanceof SluiceError && ['BACKUP_DAMAGED', 'BACKUP_UNKNOWN', 'REPOSITORY_TOO_NEW'].includes(error.code)) return undefined;
    throw error;
  }
}
