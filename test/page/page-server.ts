/** `sluice serve` as a process, as people run it, that can be killed and started again at the same address; and a browser on it that notices everything that is not as it should be. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { runCli } from '../cli/run-cli.ts';
import { until } from '../server/support.ts';

/** As `npm run build` leaves it. */
const MAIN = join(import.meta.dirname, '../../dist/cli/main.js');

export class PageServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-page-'));
  readonly files = join(this.folder, 'files');
  readonly workspace = join(this.folder, '.sluice');
  url = '';
  #process: ChildProcess | undefined;
  #output = '';

  static async start(connections: Record<string, string> = {}): Promise<PageServer> {
    const server = new PageServer();
    mkdirSync(server.files);
    writeFileSync(join(server.folder, 'sluice.config.json'), JSON.stringify({ connections }), { mode: 0o600 });
    await server.run(0);
    return server;
  }

  /** Starts it, again at the same address. */
  async run(port = Number(new URL(this.url).port)): Promise<void> {
    this.#output = '';
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'serve', '--port', String(port), '--files', 'files', '--urls', '--link', '--key-file', 'server.key'], {
      cwd: this.folder, env: { PATH: process.env.PATH, HOME: this.folder }, stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { this.#output += chunk.toString(); });
    await until(() => this.#output.includes('sign-in') || child.exitCode !== null, 30_000);
    if (child.exitCode !== null) throw new Error(this.#output);
    this.url = /http:\/\/\S+?:\d+/.exec(this.#output)![0];
  }

  /** Of this start. */
  get link(): string {
    return /http:\S+code=\S+/.exec(this.#output)![0];
  }

  async newLink(): Promise<string> {
    return (await this.sluice('token', 'link', '--url', this.url)).trim();
  }

  /** A command in the same workspace. */
  async sluice(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runCli(args, { cwd: this.folder });
    // 3: done, with rows rejected.
    if (code !== 0 && code !== 3) throw new Error(stderr);
    return stdout;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  async end(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of scripts, refusals of the Content-Security-Policy, requests to another host. */
  readonly troubles: string[];
}

export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.SLUICE_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** A browser of its own that is signed in. */
export async function visit(browser: Browser, server: PageServer, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(`error: ${error.message}`));
  page.on('console', (message) => { if (message.type() === 'error' && /Content Security Policy|TrustedHTML|Uncaught/.test(message.text())) troubles.push(message.text()); });
  page.on('request', (request) => { if (!request.url().startsWith(server.url) && !/^(?:blob|data):/.test(request.url())) troubles.push(`request to ${request.url()}`); });
  await page.goto(await server.newLink());
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  return { page, context, troubles };
}

/** For the tests of a file: a server, a browser, and for each test a visit of its own that must go without troubles. */
export class PageTests {
  server!: PageServer;
  browser!: Browser;
  here!: Visit;

  /** @param prepare makes what the server needs, and gives its connections */
  constructor(prepare: () => Promise<Record<string, string>>) {
    beforeAll(async () => {
      this.server = await PageServer.start(await prepare());
      this.browser = await openBrowser();
    });
    beforeEach(async () => { this.here = await visit(this.browser, this.server); });
    afterEach(async () => {
      await this.here.context.close();
      expect(this.here.troubles).toEqual([]);
    });
    afterAll(async () => {
      await this.browser.close();
      await this.server.end();
    });
  }
}
