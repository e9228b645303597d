/**
 * Where the objects of a repository are kept: a folder, and later a bucket. The contract is what both can do: put an object that is not there, read it or a range of it,
 * list names, delete. There is no renaming, no appending and no overwriting: who wants to change something writes an object of another name.
 *
 * Objects are small (a chunk, a manifest): they are given and read whole, and the memory they take is the caller's to bound.
 */

/** Object names: segments of `a-z 0-9 . _ -`, each beginning with a letter or digit, so that no name leads out of a folder or means something to a shell. */
const OBJECT_NAME = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/;
const MAX_NAME_LENGTH = 200;

export function isObjectName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && OBJECT_NAME.test(name);
}

export interface StoredObject {
  readonly name: string;
  readonly bytes: number;
  /** When it was put, by the storage's clock, in milliseconds since 1970. */
  readonly modifiedAt: number;
}

export interface ByteRange {
  readonly start: number;
  /** Exclusive; may lie behind the end. */
  readonly end: number;
}

export interface Storage {
  /** For messages; without secrets. */
  readonly name: string;

  /**
   * Stores an object under a name that no object has. Of several that put the same name at the same time exactly one succeeds.
   * When it resolves, the object is whole, everybody sees it, and its content survives a loss of power; its name does only after `flush`.
   * A put that fails or is killed leaves nothing under the name.
   * @param content pieces, stored one after the other; they may be reused when it resolves
   * @returns false when the name is taken; the object that has it stays as it is
   * @throws SluiceError DISK_FULL, TARGET_UNWRITABLE
   */
  putIfAbsent(name: string, content: readonly Uint8Array[]): Promise<boolean>;

  /**
   * The same for many objects in a row, without waiting for the disk each time: when it resolves, `content` may be reused, and what this instance reads has the object; others see it, and it is whole for
   * them, some time later, at the latest with `flush`. Waits when too much is under way.
   * @returns `stored`: as `putIfAbsent`, when that is so; its failure is also that of `flush` and of the next put, and need not be handled
   * @throws SluiceError DISK_FULL, TARGET_UNWRITABLE, also of objects that were put before
   */
  putSoon(name: string, content: readonly Uint8Array[]): Promise<{ readonly stored: Promise<boolean> }>;

  /** The object, or a range of it, in memory of its own; undefined when there is none. @throws SluiceError SOURCE_UNREADABLE */
  get(name: string, range?: ByteRange): Promise<Buffer | undefined>;

  /** Undefined when there is none. @throws SluiceError SOURCE_UNREADABLE */
  stat(name: string): Promise<StoredObject | undefined>;

  /**
   * The objects whose names begin with `prefix`, which is empty or ends in a slash; in no order. Those that are put or deleted meanwhile may or may not appear.
   * @throws SluiceError SOURCE_UNREADABLE
   */
  list(prefix: string): AsyncGenerator<StoredObject, void, undefined>;

  /** An object that is not there is deleted already. @throws SluiceError TARGET_UNWRITABLE */
  delete(name: string): Promise<void>;

  /** What this instance has put, or has found there by `stat`, survives a loss of power when it resolves, and nothing is under way any more, also when it rejects. @throws SluiceError TARGET_UNWRITABLE, DISK_FULL */
  flush(): Promise<void>;

  /** Removes what puts that were killed have left, where it is older than so many milliseconds. Returns how much there was. */
  removeLeftovers(olderThanMs: number): Promise<number>;
}
