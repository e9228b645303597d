import type { ByteSink } from '../../src/io/byte-sink.ts';

export interface MemorySink extends ByteSink {
  /** What was written so far. */
  readonly text: string;
  readonly state: 'open' | 'finished' | 'published' | 'aborted';
}

/** A ByteSink in memory. */
export function memorySink(): MemorySink {
  const chunks: Buffer[] = [];
  let state: MemorySink['state'] = 'open';
  return {
    name: 'memory',
    get bytesWritten() { return chunks.reduce((sum, chunk) => sum + chunk.length, 0); },
    get text() { return Buffer.concat(chunks).toString(); },
    get state() { return state; },
    write: async (chunk) => { chunks.push(Buffer.from(chunk)); },
    finish: async () => { state = 'finished'; },
    publish: async () => { state = 'published'; },
    abort: async () => { state = 'aborted'; },
  };
}
