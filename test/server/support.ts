/** A real server in this process, on a free port, with a workspace of its own and a token of each role. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type RunningServer, type ServerOptions } from '../../src/server/start-server.ts';
import type { Role } from '../../src/server/contracts/route-contract.ts';
import { Credentials } from '../../src/server/store/credentials.ts';
import { ServerStore } from '../../src/server/store/server-store.ts';

export interface TestServer extends RunningServer {
  readonly folder: string;
  readonly workspace: string;
  /** Below `--files`. */
  readonly files: string;
  readonly tokens: Readonly<Record<Role, string>>;
  readonly logged: string[];
  /** With the token of a role, or what the options say. */
  ask(path: string, options?: RequestInit & { as?: Role | null }): Promise<Response>;
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what the caller expects of the body
  json<T = Record<string, unknown>>(path: string, options?: RequestInit & { as?: Role | null; send?: unknown }): Promise<{ status: number; body: T }>;
  /** Stops it and removes its files. */
  end(): Promise<void>;
}

/** @param connections by name, as a configuration has them */
export async function startTestServer(connections: Record<string, string> = {}, options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-server-'));
  const workspace = join(folder, 'workspace');
  const files = join(folder, 'files');
  mkdirSync(files);
  const logged: string[] = [];
  const server = await startServer({
    host: '127.0.0.1', port: 0, settings: { workspace, jobs: 2 }, configuration: { settings: { connections }, folder }, env: { HOME: folder }, version: '0.0.0',
    files: [files], cwd: folder, urls: false, keyFile: join(folder, 'server.key'), log: (line) => logged.push(line), ...options,
  });
  const tokens = await makeTokens(workspace);
  const ask: TestServer['ask'] = (path, { as = 'operator', headers, ...rest } = {}) => fetch(`${server.url}${path}`, {
    redirect: 'manual', ...rest, headers: { ...(as === null ? {} : { authorization: `Bearer ${tokens[as]}` }), ...(headers as Record<string, string>) },
  });
  return {
    ...server, folder, workspace, files, tokens, logged, ask,
    async json(path, { send, headers, ...rest } = {}) {
      const sent = send === undefined ? {} : { body: JSON.stringify(send), headers: { 'content-type': 'application/json', ...(headers as Record<string, string>) } };
      const response = await ask(path, { ...(headers === undefined ? {} : { headers }), ...(send === undefined ? {} : { method: 'POST' }), ...rest, ...sent });
      const text = await response.text();
      return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as never };
    },
    async end() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function makeTokens(workspace: string): Promise<Record<Role, string>> {
  return withCredentials(workspace, (credentials) => ({
    viewer: credentials.createToken('viewer', 'viewer', 1).token, operator: credentials.createToken('operator', 'operator', 1).token, admin: credentials.createToken('admin', 'admin', 1).token,
  }));
}

export async function withCredentials<T>(workspace: string, use: (credentials: Credentials) => T): Promise<T> {
  const store = await ServerStore.open(workspace);
  try {
    return use(new Credentials(store));
  } finally {
    store.close();
  }
}

/** Waits until something is so. */
export async function until(what: () => boolean | Promise<boolean>, milliseconds = 10_000): Promise<void> {
  for (const end = Date.now() + milliseconds; !(await what()); ) {
    if (Date.now() > end) throw new Error('it did not become so in time');
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}
