import { execFile, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openSink } from '../../src/io/open-sink.ts';
import { rejection, rejectionCode, sampleBytes, temporaryFolder } from './support.ts';

const run = promisify(execFile);
const OPTIONS = { compression: 'none', overwrite: false, run: 'r1' } as const;
const bytes = sampleBytes(1_500_000);

/** A stream that takes its time, and copies only then: it sees memory that was reused too early. */
function slowStream(): { stream: Writable; taken: () => Buffer } {
  const pieces: Uint8Array[] = [];
  const write = (chunk: Uint8Array, _: unknown, done: () => void): void =>
    void setTimeout(() => {
      pieces.push(new Uint8Array(chunk));
      done();
    }, 1);
  return { stream: new Writable({ write }), taken: () => Buffer.concat(pieces) };
}

describe('a stream in place of standard output', () => {
  test.each(['none', 'gzip', 'zstd'] as const)('%s: gets everything, from memory that is reused', async (compression) => {
    const { stream, taken } = slowStream();
    const sink = await openSink('-', { ...OPTIONS, compression, stdout: stream });
    expect(sink.name).toBe('stdout');
    expect(sink.partialPath).toBeUndefined();
    const reused = Buffer.alloc(10_000);
    for (let at = 0; at < bytes.length; at += reused.length) {
      reused.set(bytes.subarray(at, at + reused.length));
      await sink.write(reused);
      reused.fill(0xee);
    }
    await sink.publish();
    await sink.publish();
    const unpack = { none: (stored: Buffer) => stored, gzip: gunzipSync, zstd: zstdDecompressSync }[compression];
    expect(unpack(taken()).equals(bytes)).toBe(true);
    expect(sink.bytesWritten).toBe(taken().length);
    expect(stream.writableEnded).toBe(false);
  });

  test.each(['none', 'gzip', 'zstd'] as const)('%s: whose reader goes away', async (compression) => {
    const stream = new Writable({ write: (_, __, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE', errno: -32 })) });
    const sink = await openSink('-', { ...OPTIONS, compression, stdout: stream });
    const writing = (async (): Promise<void> => {
      for (let count = 0; count < 20; count++) await sink.write(bytes);
      await sink.finish();
    })();
    expect(await rejection(writing)).toMatchObject({ code: 'OUTPUT_CLOSED', exitCode: 1 });
    await sink.abort();
    await sink.abort();
  });

  test('that takes nothing any more: cancelling ends the write, and abort returns', async () => {
    for (const end of ['cancel', 'abort']) {
      const stop = new AbortController();
      const sink = await openSink('-', { ...OPTIONS, stdout: new Writable({ write: () => undefined }), signal: stop.signal });
      const writing = (async (): Promise<void> => {
        for (;;) await sink.write(bytes);
      })();
      setTimeout(() => (end === 'cancel' ? stop.abort() : void sink.abort()), 10);
      expect(await rejectionCode(writing)).toMatch(/CANCELLED|INTERNAL/);
      await sink.abort();
    }
  });
});

describe('the standard output of a process', () => {
  const script = `
    import { openSink } from ${JSON.stringify(new URL('../../src/io/open-sink.ts', import.meta.url).href)};
    const sink = await openSink(process.argv[1], { compression: process.argv[2], overwrite: true, run: 'r1' });
    try {
      for (let row = 0; row < 200000; row++) await sink.write(Buffer.from('row ' + row + '\\n'));
      await sink.publish();
    } catch (error) {
      await sink.abort();
      process.stderr.write(error.code);
      process.exitCode = 7;
    }`;
  const shell = async (command: string, folder: string): Promise<{ stdout: string; stderr: string }> =>
    run('sh', ['-c', command], { cwd: folder, env: { ...process.env, node: process.execPath, script }, maxBuffer: 1e8 });
  const rows = Array.from({ length: 200_000 }, (_, row) => `row ${row}\n`).join('');

  test('a pipe', async () => {
    const { stdout } = await shell('"$node" --input-type=module -e "$script" -- - auto | cat', await temporaryFolder());
    expect(stdout === rows).toBe(true);
  });

  test('a compressed pipe', async () => {
    const { stdout } = await shell('"$node" --input-type=module -e "$script" -- - gzip | gzip -dc', await temporaryFolder());
    expect(stdout === rows).toBe(true);
  });

  test('a file, after what is in it', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'out'), 'before\n');
    await shell('"$node" --input-type=module -e "$script" -- - auto >> out; echo after >> out', folder);
    expect((await readFile(join(folder, 'out'), 'utf8')) === `before\n${rows}after\n`).toBe(true);
  });

  test.each(['-', '/dev/stdout', '/dev/fd/1'])('%s with a reader that leaves', async (target) => {
    const { stdout, stderr } = await shell(`{ "$node" --input-type=module -e "$script" -- ${target} auto; echo $? >&2; } | head -n 1`, await temporaryFolder());
    expect(stdout).toBe('row 0\n');
    expect(stderr).toBe('OUTPUT_CLOSED7\n');
  });

  test('a file by the name of its descriptor', async () => {
    const folder = await temporaryFolder();
    await shell('"$node" --input-type=module -e "$script" -- /dev/stdout auto > out', folder);
    expect((await readFile(join(folder, 'out'), 'utf8')) === rows).toBe(true);
  });

  test('a full disk', async () => {
    const { stderr } = await shell('"$node" --input-type=module -e "$script" -- - auto > /dev/full; echo $? >&2', await temporaryFolder());
    expect(stderr).toMatch(/^DISK_FULL7/);
  });

  test('another descriptor, and a named pipe whose reader comes late', async () => {
    const folder = await temporaryFolder();
    await shell('"$node" --input-type=module -e "$script" -- /dev/fd/7 auto 7>&1 >/dev/null | cat > out; mkfifo pipe', folder);
    expect((await readFile(join(folder, 'out'), 'utf8')) === rows).toBe(true);
    await shell('{ sleep 0.2; cat pipe > late; } & "$node" --input-type=module -e "$script" -- pipe auto; wait', folder);
    expect((await readFile(join(folder, 'late'), 'utf8')) === rows).toBe(true);
  });
});

test('a named pipe whose reader never comes can be cancelled, one whose reader leaves is closed', async () => {
  const folder = await temporaryFolder();
  const pipe = join(folder, 'pipe');
  await run('mkfifo', [pipe]);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 20);
  expect(await rejectionCode(openSink(pipe, { ...OPTIONS, signal: stop.signal }))).toBe('CANCELLED');
  spawn('head', ['-c', '10', pipe], { stdio: 'ignore' });
  const sink = await openSink(pipe, OPTIONS);
  const writing = (async (): Promise<void> => {
    for (let count = 0; count < 50; count++) await sink.write(bytes);
  })();
  expect(await rejectionCode(writing)).toBe('OUTPUT_CLOSED');
  await sink.abort();
});

test('a device is written, never replaced', async () => {
  const sink = await openSink('/dev/null', OPTIONS);
  await sink.write(bytes);
  await sink.publish();
  expect(sink.bytesWritten).toBe(bytes.length);
});
