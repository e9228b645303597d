/** Files of lines, read and written in pieces: memory is one piece plus the longest line. */
import { open, type FileHandle } from 'node:fs/promises';

const READ_BYTES = 64 * 1024;
const WRITE_BYTES = 256 * 1024;
const LF = 0x0a;

/** The lines without their line ends; a last line without one is yielded as well. Bytes are valid until the next pull. */
export async function* readLines(path: string): AsyncGenerator<Buffer, void, undefined> {
  const file = await open(path, 'r');
  try {
    let rest: Buffer[] = [];
    for (;;) {
      // A buffer for each piece: pieces of a long line are kept until its end.
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, null);
      if (bytesRead === 0) break;
      const piece = buffer.subarray(0, bytesRead);
      let start = 0;
      for (let end = piece.indexOf(LF); end >= 0; end = piece.indexOf(LF, start)) {
        const tail = piece.subarray(start, end);
        yield rest.length === 0 ? tail : Buffer.concat([...rest, tail]);
        rest = [];
        start = end + 1;
      }
      if (start < bytesRead) rest.push(piece.subarray(start));
    }
    if (rest.length > 0) yield Buffer.concat(rest);
  } finally {
    await file.close();
  }
}

/** The last line of a file, which must end in a line end and have at most `limit` bytes; undefined when that is not so. */
export async function readLastLine(path: string, limit: number): Promise<string | undefined> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const length = Math.min(size, limit + 2);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    if (bytesRead < length || length === 0 || buffer[length - 1] !== LF) return undefined;
    const start = buffer.lastIndexOf(LF, length - 2) + 1;
    return start === 0 && length < size ? undefined : buffer.toString('utf8', start, length - 1);
  } finally {
    await file.close();
  }
}

/** Gathers lines and writes them together. */
export class LineWriter {
  readonly #file: FileHandle;
  #gathered: string[] = [];
  #length = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(line: string): Promise<void> {
    this.#gathered.push(line, '\n');
    this.#length += line.length + 1;
    if (this.#length >= WRITE_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#gathered.join('');
    this.#gathered = [];
    this.#length = 0;
    if (text !== '') await this.#file.appendFile(text);
  }
}
