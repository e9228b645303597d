import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ByteSource } from '../../src/io/byte-source.ts';
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from '../../src/io/http-request.ts';
import { openSources } from '../../src/io/open-sources.ts';
import { gather, rejection, rejectionCode, sampleBytes } from './support.ts';

const LIMITS: HttpLimits = { ...DEFAULT_HTTP_LIMITS, retryMs: [1, 1] };
const bytes = sampleBytes(300_000);

// The servers of these tests are on this machine, whatever proxy it has for others.
const PROXIES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'];
beforeAll(() => PROXIES.forEach((name) => vi.stubEnv(name, undefined)));
afterAll(() => void vi.unstubAllEnvs());

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers `http://127.0.0.1:port`; what the handler was asked is in `requests`. */
async function serve(handler: Handler): Promise<{ base: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    handler(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

async function open(url: string, limits: Partial<HttpLimits> = {}, signal?: AbortSignal): Promise<ByteSource> {
  const [group] = await openSources([url], { httpLimits: { ...LIMITS, ...limits }, ...(signal === undefined ? {} : { signal }) });
  return group.sources[0];
}

const fetched = async (url: string, limits: Partial<HttpLimits> = {}): Promise<Buffer> => gather((await open(url, limits)).read());

/** Sends `count` bytes of a body whose length it promises, and breaks the connection. */
function breakAfter(response: ServerResponse, start: number, count: number): void {
  response.write(bytes.subarray(start, start + count), () => setTimeout(() => response.destroy(), 5));
}

describe('a document', () => {
  test('is read in order, with its head kept', async () => {
    const { base, requests } = await serve((_, response) => response.setHeader('content-length', bytes.length).end(bytes));
    const source = await open(`${base}/data/cities.csv?token=secret`);
    expect(source).toMatchObject({ name: `${base}/data/cities.csv`, stem: 'cities', extension: 'csv', compression: 'none' });
    expect(source).toMatchObject({ storedBytes: bytes.length, bytes: bytes.length, seekable: false, repeatable: false });
    expect(source.path).toBeUndefined();
    expect(Buffer.from(await source.head(1000)).equals(bytes.subarray(0, 1000))).toBe(true);
    expect((await gather(source.read({ chunkBytes: 5000 }))).equals(bytes)).toBe(true);
    expect(requests[0].url).toBe('/data/cities.csv?token=secret');
    expect(requests).toHaveLength(1);
  });

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('that is a %s file', async (compression, pack) => {
    const { base } = await serve((_, response) => response.end(pack(bytes)));
    const source = await open(`${base}/x.csv`);
    expect(source.compression).toBe(compression);
    expect(source.bytes).toBeUndefined();
    expect((await gather(source.read())).equals(bytes)).toBe(true);
  });

  test.each([
    ['gzip', gzipSync(bytes)],
    ['x-gzip', gzipSync(bytes)],
    ['zstd', zstdCompressSync(bytes)],
    ['gzip, zstd', zstdCompressSync(gzipSync(bytes))],
    ['gzip', gzipSync(gzipSync(bytes))],
  ])('sent in the encoding %s', async (encoding, body) => {
    const { base } = await serve((_, response) => response.setHeader('content-encoding', encoding).setHeader('content-length', body.length).end(body));
    expect((await fetched(`${base}/x.csv`)).equals(bytes)).toBe(true);
  });

  test('in an encoding that was not asked for', async () => {
    const { base } = await serve((_, response) => response.setHeader('content-encoding', 'br').end('x'));
    expect(await rejection(open(`${base}/x.csv`))).toMatchObject({ code: 'HTTP_SOURCE_FAILED', message: expect.stringContaining(' br,') });
  });

  test('without content', async () => {
    const { base } = await serve((_, response) => response.writeHead(204).end());
    expect(await fetched(`${base}/x.csv`)).toHaveLength(0);
  });

  test('behind a user and password, which go to the server and nowhere else', async () => {
    const { base, requests } = await serve((_, response) => response.end('x'));
    const source = await open(base.replace('//', '//me%40home:se%3Acret@'));
    expect(requests[0].headers.authorization).toBe(`Basic ${btoa('me@home:se:cret')}`);
    expect(source.name).toBe(`${base}/`);
    await source.close();
  });
});

test('a proxy of the environment is used', async () => {
  const { base, requests } = await serve((_, response) => response.end('by proxy'));
  vi.stubEnv('http_proxy', base);
  onTestFinished(() => void vi.stubEnv('http_proxy', undefined));
  expect((await fetched('http://sluice.invalid/x.csv?a=1')).toString()).toBe('by proxy');
  expect(requests.map(({ url }) => url)).toEqual(['http://sluice.invalid/x.csv?a=1']);
});

describe('its name and format', () => {
  test.each([
    ['/cities.csv.gz?x=1', {}, 'cities', 'csv'],
    ['/download?id=5', { 'content-disposition': 'attachment; filename="cities.json"' }, 'cities', 'json'],
    ['/download', { 'content-type': 'text/csv; charset=utf-8' }, 'download', 'csv'],
    ['/api.php', { 'content-type': 'application/x-ndjson' }, 'api', 'ndjson'],
    ['/x.json', { 'content-type': 'text/csv' }, 'x', 'json'],
    ['/', { 'content-type': 'application/vnd.apache.parquet' }, 'download', 'parquet'],
    ['/x', { 'content-type': 'application/octet-stream' }, 'x', ''],
    ['/all.zip', { 'content-type': 'application/octet-stream' }, 'all', 'zip'],
  ])('%s with %j', async (path, headers, stem, extension) => {
    const { base } = await serve((_, response) => response.writeHead(200, headers).end('x'));
    const source = await open(base + path);
    expect(source).toMatchObject({ stem, extension });
    await source.close();
  });

  test('of the URL asked for, unless only the redirect says it', async () => {
    const { base } = await serve((request, response) => {
      if (request.url === '/cities.csv') response.writeHead(302, { location: '/3f2a' }).end();
      else if (request.url === '/latest') response.writeHead(302, { location: '/cities.json' }).end();
      else response.end('x');
    });
    expect(await open(`${base}/cities.csv`)).toMatchObject({ stem: 'cities', extension: 'csv' });
    expect(await open(`${base}/latest`)).toMatchObject({ stem: 'cities', extension: 'json' });
  });
});

describe('redirects', () => {
  test.each([301, 302, 303, 307, 308])('%i is followed, relative or not', async (status) => {
    const { base } = await serve((request, response) => (request.url === '/a' ? response.writeHead(status, { location: 'b.csv' }).end() : response.end('there')));
    expect((await fetched(`${base}/a`)).toString()).toBe('there');
  });

  test('five are followed, six are too many', async () => {
    const { base } = await serve((request, response) => {
      const left = Number(request.url!.slice(1));
      if (left === 0) response.end('there');
      else response.writeHead(302, { location: `/${left - 1}` }).end();
    });
    expect((await fetched(`${base}/5`)).toString()).toBe('there');
    expect(await rejection(open(`${base}/6`))).toMatchObject({ code: 'HTTP_SOURCE_FAILED', message: expect.stringContaining('5 redirects') });
  });

  test('the password goes to the same origin only', async () => {
    const other = await serve((_, response) => response.end('x'));
    const { base, requests } = await serve((request, response) => {
      response.writeHead(302, { location: request.url === '/a' ? '/b' : `${other.base}/c` }).end();
    });
    await (await open(`${base.replace('//', '//me:secret@')}/a`)).close();
    expect(requests.map(({ headers }) => headers.authorization !== undefined)).toEqual([true, true]);
    expect(other.requests[0].headers.authorization).toBeUndefined();
  });

  test.each([undefined, 'ftp://host/x', 'file:///etc/passwd', 'http://:::/'])('to %s is refused', async (location) => {
    const { base } = await serve((_, response) => response.writeHead(302, location === undefined ? {} : { location }).end());
    expect(await rejectionCode(open(`${base}/x`))).toBe('HTTP_SOURCE_FAILED');
  });
});

describe('failures', () => {
  test.each([400, 401, 403, 404, 410, 429, 500, 503])('status %i, said without the secrets of the URL', async (status) => {
    const { base } = await serve((_, response) => response.writeHead(status).end('details'));
    const error = await rejection(open(`${base.replace('//', '//u:secret@')}/x.csv?sig=secret#secret`));
    expect(error).toMatchObject({ code: 'HTTP_SOURCE_FAILED', exitCode: 1, message: expect.stringContaining(String(status)) });
    expect(JSON.stringify([error, error.facts, error.stack])).not.toContain('secret');
  });

  test('nobody answers, the host is unknown, the URL is none', async () => {
    const { base } = await serve(() => undefined);
    const unused = base.replace(/\d+$/, '1');
    expect((await rejection(open(`${unused}/x`))).message).toContain('refused');
    expect((await rejection(open('http://sluice.invalid/x'))).message).toMatch(/unknown|ENOTFOUND|EAI/);
    expect((await rejection(open('http://user:secret@[nowhere/x?secret'))).message).not.toContain('secret');
  });

  test('a server that accepts and says nothing', async () => {
    const { base } = await serve(() => undefined);
    expect((await rejection(open(`${base}/x`, { stallMs: 60 }))).message).toContain('no answer within 0.06 s');
  });

  test('what is not HTTP', async () => {
    const server = createTcpServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-x\r\n'));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    onTestFinished(() => void server.close());
    expect(await rejectionCode(open(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`))).toBe('HTTP_SOURCE_FAILED');
  });

  test('a body that stops coming', async () => {
    const { base } = await serve((_, response) => void response.writeHead(200, { 'content-length': 100 }).write('some'));
    expect((await rejection(fetched(`${base}/x`, { stallMs: 60 }))).message).toContain('no data for 0.06 s after 4 bytes');
  });

  test.each([
    ['with a length', { 'content-length': String(bytes.length) }],
    ['in chunks', {}],
  ])('a body cut off %s is never taken for the whole', async (_, headers) => {
    const { base } = await serve((__, response) => breakAfter(response.writeHead(200, headers), 0, 1000));
    const error = await rejection(fetched(`${base}/x.csv`));
    expect(error).toMatchObject({ code: 'HTTP_SOURCE_FAILED', message: expect.stringContaining('after 1000') });
  });

  test('a compressed body cut off', async () => {
    const body = gzipSync(bytes);
    const { base } = await serve((_, response) => response.end(body.subarray(0, 5000)));
    expect(await rejectionCode(fetched(`${base}/x.csv.gz`))).toBe('COMPRESSION_CORRUPT');
  });

  test('cancelling ends the wait for an answer and for the body', async () => {
    const { base } = await serve((request, response) => {
      if (request.url === '/body') response.write('some');
    });
    for (const path of ['/answer', '/body']) {
      const stop = new AbortController();
      const reading = open(base + path, {}, stop.signal).then((source) => gather(source.read()));
      setTimeout(() => stop.abort(), 20);
      expect(await rejectionCode(reading)).toBe('CANCELLED');
    }
  });

  test('leaving early or closing breaks the connection', async () => {
    let closed = 0;
    const { base } = await serve((_, response) => {
      response.on('close', () => closed++);
      response.write(bytes);
    });
    for await (const chunk of (await open(`${base}/x`)).read()) if (chunk.length > 0) break;
    await (await open(`${base}/x`)).close();
    while (closed < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(closed).toBe(2);
  });
});

describe('a broken connection', () => {
  const headers = { etag: '"v1"', 'content-length': String(bytes.length) };

  test('is continued with a range', async () => {
    const { base, requests } = await serve((request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (start === 0) return breakAfter(response.writeHead(200, headers), 0, 100_000);
      response.writeHead(206, { ...headers, 'content-length': bytes.length - start, 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` });
      if (start < 150_000) return breakAfter(response, start, 100_000);
      return void response.end(bytes.subarray(start));
    });
    expect((await fetched(`${base}/x.csv`)).equals(bytes)).toBe(true);
    expect(requests.map(({ headers: sent }) => sent.range)).toEqual([undefined, 'bytes=100000-', 'bytes=200000-']);
  });

  test('is continued by reading past what is known where the server has no ranges', async () => {
    let count = 0;
    const { base } = await serve((_, response) => {
      response.writeHead(200, headers);
      if (count++ === 0) breakAfter(response, 0, 100_000);
      else response.end(bytes);
    });
    expect((await fetched(`${base}/x.csv`)).equals(bytes)).toBe(true);
  });

  test.each([
    ['with another content', { etag: '"v2"' }],
    ['with another length', { 'content-length': String(bytes.length + 1) }],
  ])('%s has changed', async (_, changes) => {
    let count = 0;
    const { base } = await serve((__, response) => {
      if (count++ === 0) breakAfter(response.writeHead(200, headers), 0, 100_000);
      else response.writeHead(200, { ...headers, ...changes }).end(bytes);
    });
    expect(await rejectionCode(fetched(`${base}/x.csv`))).toBe('SOURCE_CHANGED');
  });

  test('that breaks again without progress fails in the end', async () => {
    let count = 0;
    const { base } = await serve((request, response) => {
      count++;
      if (request.headers.range === undefined) breakAfter(response.writeHead(200, headers), 0, 1000);
      else if (count === 2) response.destroy();
      else response.writeHead(503).end();
    });
    expect((await rejection(fetched(`${base}/x.csv`))).message).toContain('503');
    expect(count).toBe(3);
  });

  test('that nobody reads is closed and taken up again', async () => {
    let count = 0;
    const { base } = await serve((request, response) => {
      count++;
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = { 'content-length': bytes.length - start, 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
      response.writeHead(start === 0 ? 200 : 206, start === 0 ? headers : { ...headers, ...range });
      const first = response.socket!;
      if (start === 0) response.write(bytes.subarray(0, 1000));
      else response.end(bytes.subarray(start));
      first.on('error', () => undefined);
    });
    const source = await open(`${base}/x.csv`, { idleMs: 20 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await gather(source.read())).equals(bytes)).toBe(true);
    expect(count).toBe(2);
  });
});
