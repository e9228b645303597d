/** Who gets in: every route, from the list of contracts, without a token and with each role; sign-in, origins, limits. */
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_CONTRACTS } from '../../src/server/contracts/all-contracts.ts';
import type { Role, RouteContract } from '../../src/server/contracts/route-contract.ts';
import { startTestServer, until, withCredentials, type TestServer } from './support.ts';

let server: TestServer;
beforeAll(async () => { server = await startTestServer(); });
afterAll(() => server.end());

const RANKS = { public: 0, viewer: 1, operator: 2, admin: 3 } as const;

/** A request that passes the gate and is refused behind it, or does no harm. */
function call(contract: RouteContract): [path: string, init: RequestInit] {
  const path = contract.path.replace(/\{\w+\}/g, 'nothing');
  const hasBody = contract.body !== undefined;
  return [path, { method: contract.method, signal: AbortSignal.timeout(3000), ...(hasBody ? { body: '{"wrong":1}', headers: { 'content-type': 'application/json' } } : {}) }];
}

/** Answers that never end are read no further. */
async function statusOf(contract: RouteContract, as: Role | null): Promise<number> {
  const [path, init] = call(contract);
  const response = await server.ask(path, { ...init, as });
  await response.body?.cancel();
  return response.status;
}

describe('every route', () => {
  it.each(ALL_CONTRACTS.filter((contract) => contract.access !== 'public').map((contract) => [contract.id, contract] as const))('%s refuses whoever has no token', async (_, contract) => {
    expect(await statusOf(contract, null)).toBe(401);
    const [path, init] = call(contract);
    const response = await server.ask(path, { ...init, as: null, headers: { ...(init.headers as object), authorization: 'Bearer slt_000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' } });
    // Many refusals from one address are slowed down.
    expect([401, 429]).toContain(response.status);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
  });

  it.each(ALL_CONTRACTS.filter((contract) => contract.access !== 'public').flatMap((contract) => (['viewer', 'operator', 'admin'] as const).map((role) => [contract.id, role, contract] as const)))('%s for the role %s', async (_, role, contract) => {
    const status = await statusOf(contract, role);
    if (RANKS[role] < RANKS[contract.access]) expect(status).toBe(403);
    else expect([401, 403, 405, 415]).not.toContain(status);
    expect(status).toBeLessThan(500);
  });

  it('is in the description, with its role', async () => {
    const { body } = await server.json<{ openapi: string; paths: Record<string, Record<string, { 'x-role'?: string; operationId: string }>> }>('/api/v1/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    const described = Object.entries(body.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => `${method.toUpperCase()} ${path} ${operation['x-role'] ?? 'public'}`));
    expect(described.toSorted()).toEqual(ALL_CONTRACTS.map(({ method, path, access }) => `${method} ${path} ${access}`).toSorted());
  });

  it('that is none needs a token as well, and is said to be none', async () => {
    expect((await server.ask('/api/v1/nothing', { as: null })).status).toBe(401);
    const { status, body } = await server.json('/api/v1/nothing');
    expect([status, body.code]).toEqual([404, 'ROUTE_UNKNOWN']);
  });

  it('answers with strict headers, also when it refuses', async () => {
    for (const response of [await server.ask('/healthz', { as: null }), await server.ask('/api/v1/runs', { as: null }), await server.ask('/api/v1/runs')]) {
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('content-security-policy')).toContain(`default-src 'none'`);
      expect(response.headers.get('cache-control')).toBe('no-store');
      await response.body?.cancel();
    }
  });
});

describe('what is no request', () => {
  const answerTo = async (text: string): Promise<string> => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.end(text);
    return (await socket.setEncoding('utf8').toArray()).join('');
  };

  it.each([
    ['too long an address', `GET /api/v1/runs?search=${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'REQUEST_HEAD_TOO_LARGE'],
    ['too many headers', `GET /healthz HTTP/1.1\r\nHost: x\r\n${'X-Many: of them\r\n'.repeat(2000)}\r\n`, 431, 'REQUEST_HEAD_TOO_LARGE'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n', 400, 'REQUEST_INVALID'],
    ['two lengths', 'POST /api/v1/import HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na', 400, 'REQUEST_INVALID'],
  ])('is answered with a code: %s', async (_, text, status, code) => {
    const answer = await answerTo(text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('application/problem+json');
    expect(answer).toContain('nosniff');
    expect(answer).toContain(`"code":"${code}"`);
  });
});

describe('a token', () => {
  it('is shown once, stored hashed, and is good until it is revoked', async () => {
    const { status, body } = await server.json<{ token: string; id: string }>('/api/v1/tokens', { as: 'admin', send: { name: 'one', role: 'viewer' } });
    expect(status).toBe(201);
    const headers = { authorization: `Bearer ${body.token}` };
    expect((await server.ask('/api/v1/runs', { as: null, headers })).status).toBe(200);
    expect(JSON.stringify((await server.json('/api/v1/tokens', { as: 'admin' })).body)).not.toContain(body.token.slice(17));
    for (const name of readdirSync(server.workspace)) {
      const path = join(server.workspace, name);
      if (statSync(path).isFile()) expect(readFileSync(path, 'latin1')).not.toContain(body.token.slice(17));
    }
    expect((await server.ask(`/api/v1/tokens/${body.id}`, { as: 'admin', method: 'DELETE' })).status).toBe(204);
    const refused = await server.ask('/api/v1/runs', { as: null, headers });
    expect(refused.status).toBe(401);
    expect(await refused.text()).toContain('revoked');
  });

  it('expires', async () => {
    const { token } = await withCredentials(server.workspace, (credentials) => credentials.createToken('old', 'admin', 1, Date.now() - 2 * 86_400_000));
    const response = await server.ask('/api/v1/runs', { as: null, headers: { authorization: `Bearer ${token}` } });
    expect([response.status, await response.text()]).toEqual([401, expect.stringContaining('expired') as string]);
  });

  it('of the store is readable by its owner only', () => {
    expect(statSync(join(server.workspace, 'server.sqlite')).mode & 0o777).toBe(0o600);
  });
});

describe('the one-time link', () => {
  it('begins a session once, in a cookie that scripts cannot read', async () => {
    const link = new URL(server.signInLink!);
    const followed = await server.ask(link.pathname + link.search, { as: null });
    expect([followed.status, followed.headers.get('location')]).toEqual([303, '/']);
    const cookie = followed.headers.get('set-cookie')!;
    expect(cookie).toMatch(/^sluice_\d+=sls_\w+_[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
    expect((await server.ask(link.pathname + link.search, { as: null })).status).toBe(401);

    const session = { cookie: cookie.split(';', 1)[0] };
    const shown = await server.json('/api/v1/session', { as: null, headers: session });
    expect(shown.body).toMatchObject({ role: 'admin', kind: 'session' });
    const send = { name: 'from the page', role: 'viewer' };
    const change = async (headers: Record<string, string>): Promise<number> => (await server.json('/api/v1/tokens', { as: null, send, headers: { ...session, ...headers } })).status;
    expect(await change({})).toBe(403);
    expect(await change({ origin: 'https://evil.example' })).toBe(403);
    expect(await change({ origin: 'null' })).toBe(403);
    expect(await change({ origin: server.url, 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await change({ origin: server.url })).toBe(201);

    expect((await server.ask('/api/v1/session', { as: null, method: 'DELETE', headers: { ...session, origin: server.url } })).status).toBe(204);
    expect((await server.ask('/api/v1/session', { as: null, headers: session })).status).toBe(401);
  });

  it('is nowhere in the log', () => {
    expect(server.logged.length).toBeGreaterThan(5);
    expect(server.logged.join('\n')).not.toMatch(/sl[tls]_|Bearer|code=/);
  });
});

describe('a session that a token began', () => {
  it('ends with the token', async () => {
    const { token, id } = await withCredentials(server.workspace, (credentials) => credentials.createToken('browser', 'viewer', 1));
    const signedIn = await server.ask('/api/v1/session', { as: null, method: 'POST', body: JSON.stringify({ token }), headers: { 'content-type': 'application/json' } });
    const headers = { cookie: signedIn.headers.get('set-cookie')!.split(';', 1)[0] };
    expect((await server.ask('/api/v1/session', { as: null, headers })).status).toBe(200);
    await withCredentials(server.workspace, (credentials) => credentials.revokeToken(id));
    // The many refusals before this one are slowed down (429).
    await until(async () => (await server.ask('/api/v1/session', { as: null, headers })).status === 401);
  });
});

describe('a request', () => {
  it('to another name than the server has is refused: a site cannot make its own name lead here', async () => {
    const { port } = new URL(server.url);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      httpRequest({ port, path: '/healthz', headers: { host: `evil.example:${port}` } }, (response) => resolve(response.resume().statusCode)).on('error', reject).end();
    });
    expect(status).toBe(403);
  });

  it('from a page of another origin is refused, token or not', async () => {
    const { status, body } = await server.json('/api/v1/tokens', { as: 'admin', send: { name: 'x', role: 'viewer' }, headers: { origin: 'https://evil.example' } });
    expect([status, body.code]).toEqual([403, 'ORIGIN_REFUSED']);
  });

  it('is refused when it is too large, malformed, or of another type', async () => {
    const post = (body: string, type = 'application/json') => server.ask('/api/v1/runs', { method: 'POST', body, headers: { 'content-type': type } });
    expect((await post(`"${'x'.repeat(2 ** 20 + 1)}"`)).status).toBe(413);
    expect((await post('{"job":')).status).toBe(400);
    expect((await post('{"__proto__":{"a":1}}')).status).toBe(400);
    expect((await post('job=import', 'application/x-www-form-urlencoded')).status).toBe(415);
    expect((await post('<a/>', 'application/xml')).status).toBe(415);
    const { body } = await server.json('/api/v1/runs', { send: { job: 'import', sources: ['x'], to: 'duckdb', extra: 1 } });
    expect(body).toMatchObject({ code: 'REQUEST_INVALID', status: 400 });
  });

  it('comes too often', async () => {
    const other = await startTestServer();
    try {
      const statuses = await Promise.all(Array.from({ length: 90 }, async () => (await other.ask('/api/v1/runs', { as: null, headers: { authorization: `Bearer slt_000000000000_${'A'.repeat(43)}` } })).status));
      expect(statuses).toContain(429);
    } finally {
      await other.end();
    }
  });
});

describe('secrets of connections', () => {
  it('are encrypted at rest with a key outside of the workspace, and shown to nobody', async () => {
    const url = 'postgres://me:s3cr3t-pass@db.example/shop?application_name=x';
    const { status, body } = await server.json('/api/v1/connections', { as: 'admin', send: { name: 'shop', url } });
    expect(status).toBe(201);
    expect(JSON.stringify(body)).not.toContain('s3cr3t');
    expect(JSON.stringify((await server.json('/api/v1/connections', { as: 'admin' })).body)).not.toContain('s3cr3t');
    expect(readFileSync(join(server.workspace, 'server.sqlite'), 'latin1')).not.toContain('s3cr3t');
    const key = join(server.folder, 'server.key');
    expect(existsSync(key) && statSync(key).mode & 0o777).toBe(0o600);
    chmodSync(key, 0o600);
    expect((await server.json('/api/v1/connections', { as: 'admin', send: { name: 'shop', url } })).body.code).toBe('CONNECTION_EXISTS');
    expect((await server.ask('/api/v1/connections/shop', { as: 'admin', method: 'DELETE' })).status).toBe(204);
  });

  it('come from no environment and no file of the server', async () => {
    const refused = async (url: string): Promise<unknown> => (await server.json('/api/v1/connections', { as: 'admin', send: { name: 'bad', url } })).body.code;
    expect(await refused('postgres://a@b/c?sslkey=/etc/passwd')).toBe('PATH_REFUSED');
    expect(await refused('postgres://a@b/c?passfile=/root/.pgpass')).toBe('PATH_REFUSED');
    expect(await refused('duckdb:/etc/x.duckdb')).toBe('PATH_REFUSED');
    expect(await refused('duckdb:../x.duckdb')).toBe('PATH_REFUSED');
    expect(await refused('file:///etc/passwd')).toBe('CONNECTION_UNKNOWN');
  });
});
