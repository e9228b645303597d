/**
 * Reads the numbers and strings of an archive one after the other. Every length is checked against what is left, so a damaged one cannot make us ask for more memory than the file has bytes.
 *
 * An integer is a byte for its sign and then `integerBytes` bytes, the least significant first; a string is its length as an integer and its bytes, and length -1 stands for none.
 */
import { damagedArchive, unsupportedArchive } from './archive-errors.ts';
import type { ArchiveFile, ArchivePieces } from './archive-file.ts';

export class ByteCursor {
  /** Of an integer, without its sign. The header says it. */
  integerBytes = 4;
  readonly #file: ArchiveFile;
  readonly #end: number;
  readonly #signal: AbortSignal | undefined;
  #pieces: ArchivePieces;
  #piece: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Of the first byte behind `#piece`. */
  #next: number;

  constructor(file: ArchiveFile, start: number, end: number, signal?: AbortSignal) {
    this.#file = file;
    this.#end = end;
    this.#signal = signal;
    this.#next = start;
    this.#pieces = file.read(start, end, signal);
  }

  get position(): number {
    return this.#next - (this.#piece.length - this.#at);
  }

  /** Bytes until the end. */
  get left(): number {
    return this.#end - this.position;
  }

  async byte(): Promise<number> {
    if (this.#at === this.#piece.length) await this.#pull();
    return this.#piece[this.#at++];
  }

  /** @throws SluiceError ARCHIVE_DAMAGED, also for a number that is not exact in JavaScript: no honest archive has one */
  async integer(): Promise<number> {
    const now = this.integerNow();
    if (now !== undefined) return now;
    const sign = await this.byte();
    return this.#signed(sign, await this.unsigned(this.integerBytes));
  }

  /** Undefined when it is not in memory: for loops that would otherwise wait for every number. */
  integerNow(): number | undefined {
    const bytes = this.integerBytes;
    if (this.#piece.length - this.#at <= bytes) return undefined;
    const sign = this.#piece[this.#at++];
    return this.#signed(sign, this.#buffered(bytes));
  }

  async unsigned(bytes: number): Promise<number> {
    if (this.#piece.length - this.#at >= bytes) return this.#buffered(bytes);
    let value = 0;
    for (let at = 0, unit = 1; at < bytes; at++, unit *= 256) value += (await this.byte()) * unit;
    if (value > Number.MAX_SAFE_INTEGER) throw this.damaged('a number is too large');
    return value;
  }

  /** Up to so many bytes that follow, at least one, and valid until the next call. */
  async some(atMost: number): Promise<Buffer> {
    if (this.#at === this.#piece.length) await this.#pull();
    return this.someNow(atMost);
  }

  /** The same of what is in memory: perhaps none. */
  someNow(atMost: number): Buffer {
    const start = this.#at;
    this.#at = Math.min(this.#piece.length, start + atMost);
    return this.#piece.subarray(start, this.#at);
  }

  async bytes(count: number): Promise<Buffer> {
    if (count > this.left) throw this.damaged('it ends too early');
    const all = Buffer.allocUnsafeSlow(count);
    for (let done = 0; done < count; ) done += (await this.some(count - done)).copy(all, done);
    return all;
  }

  /** Null for none. @param what says for people what the string is */
  async string(limit: number, what: string): Promise<Buffer | null> {
    const length = await this.#stringLength(limit, what);
    return length < 0 ? null : this.bytes(length);
  }

  /** A short string, with a character for each byte. Of a million, hardly any is copied. */
  async name(limit: number, what: string): Promise<string | null> {
    const length = await this.#stringLength(limit, what);
    if (length < 0) return null;
    if (length > this.#piece.length - this.#at) return (await this.bytes(length)).toString('latin1');
    this.#at += length;
    return this.#piece.toString('latin1', this.#at - length, this.#at);
  }

  async skipString(): Promise<void> {
    const length = this.integerNow() ?? (await this.integer());
    if (length > 0 && !this.skipNow(length)) await this.skip(length);
  }

  async skip(count: number): Promise<void> {
    if (count > this.left) throw this.damaged(`it says that ${count} bytes follow, and ${this.left} are left`);
    if (this.skipNow(count)) return;
    const buffered = this.#piece.length - this.#at;
    // What is far behind is not read at all; what is near has been read ahead.
    const far = count - buffered > 1024 * 1024;
    if (far) {
      await this.#pieces.return();
      this.#next += count - buffered;
      this.#piece = Buffer.alloc(0);
      this.#at = 0;
      this.#pieces = this.#file.read(this.#next, this.#end, this.#signal);
    } else {
      for (let left = count; left > 0; ) left -= (await this.some(left)).length;
    }
  }

  /** False when they are not all in memory. */
  skipNow(count: number): boolean {
    if (count > this.#piece.length - this.#at) return false;
    this.#at += count;
    return true;
  }

  async #stringLength(limit: number, what: string): Promise<number> {
    const length = this.integerNow() ?? (await this.integer());
    if (length > this.left) throw this.damaged(`${what} has ${length} bytes, and ${this.left} are left`);
    if (length > limit) throw unsupportedArchive(this.#file.name, `${what} has ${length} bytes`, 'Restore it with pg_restore.');
    return length;
  }

  async close(): Promise<void> {
    await this.#pieces.return();
  }

  damaged(reason: string): Error {
    return damagedArchive(this.#file.name, reason, this.position);
  }

  #signed(sign: number, magnitude: number): number {
    if (sign > 1) throw this.damaged('a number has no valid sign');
    return sign === 0 ? magnitude : 0 - magnitude;
  }

  /** So many bytes are in the piece. */
  #buffered(bytes: number): number {
    let value = 0;
    for (let at = 0, unit = 1; at < bytes; at++, unit *= 256) value += this.#piece[this.#at + at] * unit;
    this.#at += bytes;
    if (value > Number.MAX_SAFE_INTEGER) throw this.damaged('a number is too large');
    return value;
  }

  async #pull(): Promise<void> {
    const next = await this.#pieces.next();
    if (next.done === true) throw this.damaged('it ends too early');
    this.#piece = next.value;
    this.#at = 0;
    this.#next += next.value.length;
  }
}
