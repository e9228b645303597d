/**
 * Verifies a repository: every manifest, every list, that every chunk that a backup refers to is there, and, of the chunks in scope, every byte (CRC, SHA-256). Damage is named with the tables that need what is damaged;
 * it never ends the verification, so that one run finds all of it.
 *
 * Chunks are taken in passes by ranges of their ids: the lists are read once in each pass, the ids that fall into it are held (32 bytes each), and the chunk objects of the range are listed and
 * read. So memory is bounded however large the repository is, each chunk is read once however many backups share it, and up to some 250,000 chunks (1 TB) one pass is enough.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import { cancellationOf, throwIfCancelled } from '../../io/cancellation.ts';
import type { StoredObject } from '../storage/storage.ts';
import { DigestSet } from './digest-set.ts';
import type { Manifest } from './manifest.ts';
import { backupObject, chunkObject, chunkOfObject, CHUNKS } from './object-names.ts';
import { readReferences } from './references.ts';
import type { Repository } from './repository.ts';
import { rangeOf, RANGES, VerifiedTimes } from './verified-times.ts';

export interface VerifyOptions {
  /** Only what this backup refers to; else the whole repository, with chunks that nobody refers to (yet). */
  readonly backup?: string | undefined;
  /** Reads so many percent of the chunks, those first that have not been verified for longest. Whether chunks are there is always looked at for all. */
  readonly percent?: number | undefined;
  /** Reads only chunks that were not verified since then, in milliseconds since 1970. */
  readonly notSince?: number | undefined;
  /** Chunks read at once; each is in memory. */
  readonly jobs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
}

export interface VerifyProgress {
  readonly chunksRead: number;
  readonly bytesRead: number;
}

export interface VerifyProblem {
  readonly code: 'CHUNK_DAMAGED' | 'CHUNK_MISSING' | 'BACKUP_DAMAGED' | 'REPOSITORY_TOO_NEW' | 'SOURCE_UNREADABLE';
  readonly object: string;
  readonly message: string;
  /** What cannot be restored because of it; empty for a chunk that nobody refers to. */
  readonly affects: readonly { readonly backup: string; readonly of: string }[];
}

export interface VerifyReport {
  /** In the repository, or the one that was asked for; damaged ones included. */
  readonly backups: number;
  readonly damagedBackups: readonly string[];
  /** Different chunks that backups refer to. */
  readonly chunks: number;
  readonly chunksRead: number;
  readonly bytesRead: number;
  /** There, and no backup refers to them: left by an interrupted backup, or of one that runs now. */
  readonly unreferencedChunks: number;
  readonly problems: readonly VerifyProblem[];
  /** Problems beyond those that are named. */
  readonly moreProblems: number;
}

const CHUNKS_PER_PASS = 250_000;
const FOLDERS = 256;
const RANGES_PER_FOLDER = RANGES / FOLDERS;
const MAX_PROBLEMS = 1000;
const MAX_AFFECTED = 50;

export async function verifyRepository(repository: Repository, options: VerifyOptions = {}): Promise<VerifyReport> {
  return new Verification(repository, options).run();
}

class Verification {
  readonly #repository: Repository;
  readonly #options: VerifyOptions;
  readonly #startedAt = Date.now();
  readonly #manifests: Manifest[] = [];
  readonly #damagedBackups = new Set<string>();
  /** By object; `affects` grows. */
  readonly #problems = new Map<string, { code: VerifyProblem['code']; message: string; affects: { backup: string; of: string }[] }>();
  #moreProblems = 0;
  #times = new VerifiedTimes();
  #inScope: Uint8Array = new Uint8Array(RANGES).fill(1);
  readonly #unclean = new Uint8Array(RANGES);
  #backups = 0;
  #chunks = 0;
  #chunksRead = 0;
  #bytesRead = 0;
  #unreferenced = 0;

  constructor(repository: Repository, options: VerifyOptions) {
    this.#repository = repository;
    this.#options = options;
  }

  async run(): Promise<VerifyReport> {
    const { storage } = this.#repository;
    const { backup, percent } = this.#options;
    this.#times = await VerifiedTimes.read(storage);
    if (percent !== undefined) this.#inScope = this.#times.longestWaiting(Math.ceil((percent / 100) * RANGES));
    await this.#readManifests();
    const passes = Math.min(FOLDERS, Math.max(1, Math.ceil(this.#manifests.reduce((sum, { totals }) => sum + totals.chunks, 0) / CHUNKS_PER_PASS)));
    try {
      for (let pass = 0; pass < passes; pass++) {
        await this.#verifyFolders(Math.floor((pass * FOLDERS) / passes), Math.floor(((pass + 1) * FOLDERS) / passes));
      }
    } finally {
      // Also of a verification that is cancelled: what was read to its end was verified.
      if (backup === undefined) await this.#record();
    }
    if (this.#problems.size > 0) await this.#findAffected();
    return this.#report();
  }

  async #readManifests(): Promise<void> {
    const { backup } = this.#options;
    for (const name of backup === undefined ? await this.#repository.backupNames() : [backup]) {
      throwIfCancelled(this.#options.signal);
      this.#backups++;
      try {
        this.#manifests.push(await this.#repository.manifest(name));
      } catch (error) {
        if (!(error instanceof SluiceError) || (error.code === 'BACKUP_UNKNOWN' && backup !== undefined)) throw error;
        if (error.code === 'BACKUP_UNKNOWN') continue;
        this.#damagedBackups.add(name);
        this.#problem(backupObject(name), error, { backup: name, of: 'everything' });
      }
    }
  }

  async #verifyFolders(first: number, end: number): Promise<void> {
    const wanted = await this.#references(first * RANGES_PER_FOLDER, end * RANGES_PER_FOLDER);
    this.#chunks += wanted.size;
    for (let folder = first; folder < end; folder++) {
      await this.#readAll(this.#stored(folder, wanted));
      this.#noteVerified(folder * RANGES_PER_FOLDER, (folder + 1) * RANGES_PER_FOLDER);
    }
    for (const chunk of wanted.unmarked()) {
      this.#problem(chunkObject(chunk), new SluiceError('CHUNK_MISSING', { chunk, path: this.#repository.storage.name }));
    }
  }

  async #references(from: number, end: number): Promise<DigestSet> {
    const found = new DigestSet();
    for (const manifest of this.#manifests) {
      for await (const { chunk } of readReferences(this.#repository, manifest, (error, of) => this.#listProblem(manifest.backup, error, of))) {
        throwIfCancelled(this.#options.signal);
        const range = rangeOf(chunk);
        if (range >= from && range < end) found.add(chunk);
      }
    }
    return found;
  }

  /** What is to be read, of what there is. */
  async *#stored(folder: number, wanted: DigestSet): AsyncGenerator<StoredObject, void, undefined> {
    for await (const object of this.#repository.storage.list(`${CHUNKS}${folder.toString(16).padStart(2, '0')}/`)) {
      const chunk = chunkOfObject(object.name);
      if (chunk === undefined) continue;
      const isReferenced = wanted.mark(chunk);
      if (!isReferenced) this.#unreferenced++;
      if ((isReferenced || this.#options.backup === undefined) && this.#isDue(rangeOf(chunk), object)) yield object;
    }
  }

  #isDue(range: number, { modifiedAt }: StoredObject): boolean {
    if (this.#inScope[range] === 0) return false;
    const { notSince } = this.#options;
    const verifiedAt = this.#times.get(range);
    return notSince === undefined || verifiedAt < notSince || modifiedAt >= verifiedAt;
  }

  async #readAll(objects: AsyncGenerator<StoredObject, void, undefined>): Promise<void> {
    const { jobs = 2, signal, onProgress } = this.#options;
    const work = async (): Promise<void> => {
      try {
        for (let next = await objects.next(); next.done !== true; next = await objects.next()) {
          if (signal?.aborted === true) throw cancellationOf(signal);
          await this.#readChunk(next.value);
          onProgress?.({ chunksRead: this.#chunksRead, bytesRead: this.#bytesRead });
        }
      } finally {
        // The others come to their end as well.
        await objects.return();
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: jobs }, work));
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }

  async #readChunk({ name, bytes }: StoredObject): Promise<void> {
    const chunk = chunkOfObject(name)!;
    this.#chunksRead++;
    this.#bytesRead += bytes;
    try {
      await this.#repository.chunks.get(chunk);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      this.#problem(name, error);
      this.#unclean[rangeOf(chunk)] = 1;
    }
  }

  /** A range with damage stays unverified, and so is due again. */
  #noteVerified(from: number, end: number): void {
    for (let range = from; range < end; range++) {
      if (this.#inScope[range] === 1 && this.#unclean[range] === 0 && this.#isWholeRangeRead(range)) this.#times.set(range, this.#startedAt);
    }
  }

  async #record(): Promise<void> {
    await this.#times.write(this.#repository.storage).catch((error: unknown) => {
      // A repository that may only be read can be verified all the same.
      if (!(error instanceof SluiceError) || (error.code !== 'TARGET_UNWRITABLE' && error.code !== 'DISK_FULL')) throw error;
    });
  }

  /** With `notSince`, a range that had been verified was read in part. */
  #isWholeRangeRead(range: number): boolean {
    return this.#options.notSince === undefined || this.#times.get(range) < this.#options.notSince;
  }

  /** A second reading of the lists, only when there is damage: who refers to what is damaged. */
  async #findAffected(): Promise<void> {
    for (const manifest of this.#manifests) {
      for await (const { chunk, backup, of } of readReferences(this.#repository, manifest, () => undefined)) {
        const problem = this.#problems.get(chunkObject(chunk));
        if (problem === undefined) continue;
        this.#damagedBackups.add(backup);
        if (problem.affects.length < MAX_AFFECTED && !problem.affects.some((one) => one.backup === backup && one.of === of)) problem.affects.push({ backup, of });
      }
    }
  }

  /** A list's own chunks are among the references, and told there; what remains is a list that is whole and says nothing sensible. */
  #listProblem(backup: string, error: SluiceError, of: string): void {
    this.#damagedBackups.add(backup);
    const chunk = error.facts.chunk;
    if (error.code === 'BACKUP_DAMAGED') this.#problem(`${backupObject(backup)}: ${of}`, error, { backup, of });
    else if (typeof chunk === 'string') this.#problem(chunkObject(chunk), error, { backup, of });
  }

  #problem(object: string, error: SluiceError, affected?: { backup: string; of: string }): void {
    let problem = this.#problems.get(object);
    if (problem === undefined) {
      if (this.#problems.size >= MAX_PROBLEMS) {
        this.#moreProblems++;
        return;
      }
      problem = { code: error.code as VerifyProblem['code'], message: error.message, affects: [] };
      this.#problems.set(object, problem);
    }
    if (affected !== undefined && !problem.affects.some((one) => one.backup === affected.backup && one.of === affected.of)) problem.affects.push(affected);
  }

  #report(): VerifyReport {
    return {
      backups: this.#backups,
      damagedBackups: [...this.#damagedBackups].toSorted(),
      chunks: this.#chunks,
      chunksRead: this.#chunksRead,
      bytesRead: this.#bytesRead,
      unreferencedChunks: this.#unreferenced,
      problems: [...this.#problems].map(([object, problem]) => ({ object, ...problem })),
      moreProblems: this.#moreProblems,
    };
  }
}
