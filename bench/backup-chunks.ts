// Throughput and memory of the chunk store, by itself: `node bench/backup-chunks.ts [MB]`. One kind of content and one level a process, so that peaks do not mix.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContentWriter, readContent, type Content } from '../src/backup/repository/content.ts';
import type { Filter } from '../src/backup/repository/filter.ts';
import { Repository } from '../src/backup/repository/repository.ts';
import { RowHasher } from '../src/backup/repository/row-hash.ts';
import { LocalStorage } from '../src/backup/storage/local-storage.ts';

const FILTER: Filter = { kind: 'float-planes', arrays: [1], vectors: [] };
const STREAM_BYTES = 2_000_000;

/** Deterministic noise. */
let state = 1;
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

function head(): Buffer {
  return Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
}

/** id, real[768] */
function embeddings(): Buffer {
  const rows: Buffer[] = [head()];
  for (let bytes = 0; bytes < STREAM_BYTES - 7000; bytes += rows.at(-1)!.length) {
    const row = Buffer.alloc(2 + 8 + 4 + 20 + 768 * 8);
    row.writeInt16BE(2, 0);
    row.writeInt32BE(4, 2);
    row.writeInt32BE(rows.length, 6);
    row.writeInt32BE(20 + 768 * 8, 10);
    row.writeInt32BE(1, 14);
    row.writeInt32BE(700, 22);
    row.writeInt32BE(768, 26);
    row.writeInt32BE(1, 30);
    for (let i = 0, at = 34; i < 768; i++, at += 8) {
      row.writeInt32BE(4, at);
      row.writeFloatBE((random() + random() + random() - 1.5) * 0.05, at + 4);
    }
    rows.push(row);
  }
  return Buffer.concat([...rows, Buffer.from([0xff, 0xff])]);
}

/** Ordinary rows as copy-text. */
function ordinary(): Buffer {
  const words = ['amber', 'basalt', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'harbour'];
  const rows: string[] = [];
  for (let bytes = 0; bytes < STREAM_BYTES; bytes += rows.at(-1)!.length) {
    const word = (): string => words[Math.floor(random() * 8)];
    const time = new Date(1.7e12 + random() * 1e10).toISOString().replace('T', ' ').slice(0, 23);
    rows.push(`${rows.length}\t${Math.floor(random() * 1e6)}\t${time}\t${(random() * 1000).toFixed(2)}\t${word()} ${word()} ${word()}\t{"k": ${Math.floor(random() * 100)}, "t": "${word()}"}\n`);
  }
  return Buffer.from(rows.join(''));
}

async function measure(kind: string, level: number, megabytes: number, sample: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-chunks-'));
  try {
    const stream = readFileSync(sample);
    const repository = await Repository.openOrCreate(await LocalStorage.create(join(folder, 'repository')));
    const rounds = Math.ceil((megabytes * 1e6) / stream.length);
    const contents: Content[] = [];
    const baseline = process.memoryUsage.rss();
    const started = performance.now(), cpu = process.cpuUsage();
    let round = 0;
    const work = async (): Promise<void> => {
      const writer = new ContentWriter(repository.chunks, { level, filter: kind === 'filtered' ? FILTER : undefined });
      const copy = Buffer.from(stream);
      while (round < rounds) {
        // Another content each time, or it would be one chunk.
        copy.writeInt32BE(round++, kind === 'ordinary' ? 0 : 25);
        await writer.write(copy);
        contents.push(await writer.end());
      }
    };
    await Promise.all([work(), work()]);
    const written = (performance.now() - started) / 1000, used = process.cpuUsage(cpu);
    const peak = process.resourceUsage().maxRSS * 1024;
    const reading = performance.now(), readCpu = process.cpuUsage();
    let read = 0;
    const pull = async (): Promise<void> => {
      for (let content = contents.pop(); content !== undefined; content = contents.pop()) for await (const bytes of readContent(repository.chunks, content)) read += bytes.length;
    };
    await Promise.all([pull(), pull()]);
    const readSeconds = (performance.now() - reading) / 1000, readUsed = process.cpuUsage(readCpu);
    const hasher = new RowHasher(kind === 'ordinary' ? 'copy-text' : 'copy-binary');
    for (let i = 0; i < 5; i++) hasher.update(stream);
    const hashing = performance.now();
    for (let i = 0; i < 10; i++) new RowHasher(kind === 'ordinary' ? 'copy-text' : 'copy-binary').update(stream);
    const hashed = (performance.now() - hashing) / 10_000;
    const stored = readdirSync(join(folder, 'repository/chunks'), { recursive: true, encoding: 'utf8' }).map((name) => statSync(join(folder, 'repository/chunks', name))).filter((one) => one.isFile()).reduce((sum, one) => sum + one.size, 0);
    const bytes = rounds * stream.length;
    const perCore = (of: NodeJS.CpuUsage): string => (bytes / (of.user + of.system)).toFixed(0);
    console.log(`${kind.padEnd(9)} zstd ${level}  ratio ${(bytes / stored).toFixed(2)}  write ${(bytes / written / 1e6).toFixed(0)} MB/s, ${perCore(used)} per core-second  read ${(read / readSeconds / 1e6).toFixed(0)} MB/s, ${perCore(readUsed)} per core-second  row hash ${(stream.length / hashed / 1e6).toFixed(0)} MB/s  peak RSS while writing ${(peak / 1e6).toFixed(0)} MB (${(baseline / 1e6).toFixed(0)} before)`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [megabytes = '400', kind, level, sample] = process.argv.slice(2);
if (kind !== undefined) await measure(kind, Number(level), Number(megabytes), sample);
else {
  // Samples are made here, so that what making them costs is not in the peaks.
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-samples-'));
  for (const [each, bytes] of [['ordinary', ordinary()], ['plain', embeddings()], ['filtered', embeddings()]] as const) {
    writeFileSync(join(folder, each), bytes);
    for (const zstd of ['1', '2', '3']) spawnSync(process.execPath, ['--max-semi-space-size=1', import.meta.filename, megabytes, each, zstd, join(folder, each)], { stdio: 'inherit' });
  }
  rmSync(folder, { recursive: true });
}
