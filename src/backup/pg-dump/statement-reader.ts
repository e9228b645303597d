/** The SQL of entries, which stays in the file until it is asked for. It is mostly asked for in the file's order: some of what follows is read along. */
import { damagedArchive, unsupportedArchive } from './archive-errors.ts';
import type { ArchiveFile } from './archive-file.ts';
import type { ArchiveText } from './archive-text.ts';
import type { DumpStatements } from './dump-archive.ts';

/** Where the three strings of an entry are. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

const WINDOW_BYTES = 64 * 1024;
/** Three statements of more bytes are no statements. */
const MAX_TEXT_BYTES = 256 * 1024 * 1024;

export class StatementReader {
  readonly #file: ArchiveFile;
  readonly #integerBytes: number;
  #window: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) };

  constructor(file: ArchiveFile, integerBytes: number) {
    this.#file = file;
    this.#integerBytes = integerBytes;
  }

  /** @throws SluiceError ARCHIVE_DAMAGED, ARCHIVE_UNSUPPORTED, SOURCE_UNREADABLE, SOURCE_CHANGED */
  async read(range: TextRange, text: ArchiveText): Promise<DumpStatements> {
    const bytes = await this.#bytesOf(range);
    let at = 0;
    const next = (): string => {
      const length = this.#lengthAt(bytes, at);
      at += 1 + this.#integerBytes + length;
      if (at > bytes.length) throw damagedArchive(this.#file.name, 'a statement has another length than it had', range.start);
      return length === 0 ? '' : text.decode(bytes.subarray(at - length, at));
    };
    return { definition: next(), dropStatement: next(), copyStatement: next() };
  }

  /** 0 also for none, which has a negative length. */
  #lengthAt(bytes: Buffer, at: number): number {
    if (bytes[at] !== 0) return 0;
    let length = 0;
    for (let byte = this.#integerBytes; byte > 0; byte--) length = length * 256 + (bytes[at + byte] ?? 0);
    return length;
  }

  async #bytesOf({ start, end }: TextRange): Promise<Buffer> {
    const length = end - start, window = this.#window, from = start - window.start;
    if (from >= 0 && from + length <= window.bytes.length) return window.bytes.subarray(from, from + length);
    if (length > MAX_TEXT_BYTES) throw unsupportedArchive(this.#file.name, `a statement has ${length} bytes`, 'Restore it with pg_restore.');
    const bytes = Buffer.allocUnsafeSlow(Math.max(length, Math.min(WINDOW_BYTES, this.#file.bytes - start)));
    let used = 0;
    for await (const piece of this.#file.read(start, start + bytes.length)) used += piece.copy(bytes, used);
    if (bytes.length <= WINDOW_BYTES) this.#window = { start, bytes };
    return bytes.subarray(0, length);
  }
}
