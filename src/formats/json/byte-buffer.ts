/** Bytes that grow by doubling and are reused. Writers on the data path take `bytes` and `length` into locals and put `length` back. */
export class ByteBuffer {
  bytes: Uint8Array;
  /** The same memory. */
  view: DataView;
  length = 0;

  constructor(memory: number | Uint8Array) {
    this.bytes = typeof memory === 'number' ? new Uint8Array(memory) : memory;
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}
