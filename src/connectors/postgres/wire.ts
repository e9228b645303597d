/**
 * Stands between pg and the socket, in the place of pg's stream. Bytes from the server are cut at message boundaries: everything but
 * CopyData goes on to pg, which so keeps its protocol state; CopyData goes, without its header, into the buffers of the COPY that runs.
 * Per row this costs a header read and one copy; nothing is allocated.
 */
import { EventEmitter } from 'node:events';
import type { OpenSocket } from './socket.ts';

const HEADER_BYTES = 5;
const COPY_DATA = 0x64;

/** Longer runs are copied by the runtime, shorter ones here: a call costs as much as some 200 bytes. */
const SHORT_RUN = 256;

/** Where the rows of a COPY out go. `room` is at least 8 bytes less than the buffer, because short runs are copied by whole words. */
export interface CopySink {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly room: number;
  used: number;
  messages: number;
  /** `bytes` has no room; the wire stops reading until resume(). */
  full(): void;
}

export class Wire extends EventEmitter {
  readonly encrypted: boolean;
  readonly #socket: OpenSocket['socket'];
  #sink: CopySink | undefined;
  /** What was read and is not yet given on. */
  #input: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #end = 0;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  /** Of the current message's body. */
  #left = 0;
  #isCopyData = false;
  #paused = false;

  constructor(open: OpenSocket) {
    super();
    const { socket } = open;
    this.#socket = socket;
    this.encrypted = open.encrypted;
    open.receive((bytes, count) => this.#receive(bytes, count));
    socket.on('error', (error: Error) => this.emit('error', error));
    socket.on('close', () => this.emit('close'));
    socket.on('end', () => this.emit('end'));
  }

  /** pg opens its stream itself; ours is open already. */
  connect(): this {
    process.nextTick(() => this.emit('connect'));
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  get writable(): boolean {
    return this.#socket.writable;
  }

  write(bytes: Uint8Array, done?: (error?: Error | null) => void): boolean {
    return this.#socket.write(bytes, done);
  }

  /** One CopyData message. `done` is called when the bytes are in the kernel's hands and their memory is free again. */
  writeCopyData(header: Uint8Array, chunk: Uint8Array, done: (error?: Error | null) => void): void {
    this.#socket.cork();
    this.#socket.write(header);
    this.#socket.write(chunk, done);
    this.#socket.uncork();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  /** Rows of a COPY out go to `sink` from now on; undefined: they are dropped. */
  divertCopyData(sink: CopySink | undefined): void {
    this.#sink = sink;
  }

  /** The sink has room again. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#pump();
    if (!this.#paused) this.#socket.resume();
  }

  #receive(bytes: Buffer, count: number): boolean {
    if (this.#at < this.#end) {
      // Nothing is read while paused; should a stream still bring what it had, order is kept.
      const all = Buffer.concat([this.#input.subarray(this.#at, this.#end), bytes.subarray(0, count)]);
      this.#setInput(all, all.length);
    } else {
      this.#setInput(bytes, count);
    }
    if (!this.#paused) this.#pump();
    if (!this.#paused) return true;
    this.#socket.pause();
    return false;
  }

  #setInput(bytes: Buffer, count: number): void {
    // Usually the same memory as the last time.
    if (bytes.buffer !== this.#view.buffer || bytes.byteOffset !== this.#view.byteOffset || bytes.length !== this.#view.byteLength) {
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    this.#input = bytes;
    this.#at = 0;
    this.#end = count;
  }

  #pump(): void {
    while (this.#at < this.#end && !this.#paused) {
      if (this.#left === 0 && !this.#readHeader()) return;
      if (!this.#isCopyData) this.#passToClient();
      else if (this.#sink === undefined) this.#skip();
      else this.#copyRows(this.#sink);
    }
  }

  /** False when the header is not complete yet. */
  #readHeader(): boolean {
    const count = Math.min(HEADER_BYTES - this.#headerBytes, this.#end - this.#at);
    this.#header.set(this.#input.subarray(this.#at, this.#at + count), this.#headerBytes);
    this.#at += count;
    this.#headerBytes += count;
    if (this.#headerBytes < HEADER_BYTES) return false;
    this.#headerBytes = 0;
    this.#isCopyData = this.#header[0] === COPY_DATA;
    this.#left = this.#header.readUInt32BE(1) - 4;
    if (this.#isCopyData && this.#sink !== undefined) this.#sink.messages++;
    if (!this.#isCopyData) this.emit('data', Buffer.from(this.#header));
    return true;
  }

  #passToClient(): void {
    const end = Math.min(this.#at + this.#left, this.#end);
    if (end > this.#at) {
      // pg may keep a message that is not complete, and our buffer is used again.
      const bytes = Buffer.from(this.#input.subarray(this.#at, end));
      this.#left -= end - this.#at;
      this.#at = end;
      this.emit('data', bytes);
    }
  }

  #skip(): void {
    const count = Math.min(this.#left, this.#end - this.#at);
    this.#at += count;
    this.#left -= count;
  }

  /** The rest of the current row, and then whole rows as long as they fit both ends. */
  #copyRows(sink: CopySink): void {
    const count = Math.min(this.#left, this.#end - this.#at, sink.room - sink.used);
    sink.bytes.set(this.#input.subarray(this.#at, this.#at + count), sink.used);
    sink.used += count;
    this.#at += count;
    this.#left -= count;
    if (this.#left === 0) this.#copyWholeRows(sink);
    if (sink.used < sink.room) return;
    this.#paused = true;
    sink.full();
  }

  #copyWholeRows(sink: CopySink): void {
    const source = this.#view, target = sink.view, end = this.#end, room = sink.room;
    // Whole words are copied, so the last ones of the input are left to #copyRows.
    const lastShort = end - 4;
    let at = this.#at, used = sink.used, messages = 0;
    while (at + HEADER_BYTES <= end && source.getUint8(at) === COPY_DATA) {
      const length = source.getUint32(at + 1) - 4;
      const start = at + HEADER_BYTES;
      const stop = start + length;
      if (stop > lastShort || used + length > room) break;
      if (length <= SHORT_RUN) {
        for (let i = 0; i < length; i += 4) target.setUint32(used + i, source.getUint32(start + i, true), true);
      } else {
        sink.bytes.set(this.#input.subarray(start, stop), used);
      }
      used += length;
      at = stop;
      messages++;
    }
    this.#at = at;
    sink.used = used;
    sink.messages += messages;
  }
}
