/** `bin/sluice serve` as a person starts it, with a workspace of its own, one connection and a token. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sluice } from './contenders.ts';

const START_LIMIT_MS = 180_000;
export const CONNECTION = 'bench';

export class Served {
  readonly url: string;
  readonly token: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, url: string, token: string) {
    this.#process = process;
    this.url = url;
    this.token = token;
  }

  /** @param folder gets the workspace @param database the URL that is the connection `bench` */
  static async start(folder: string, database: string, jobs: number): Promise<Served> {
    const home = mkdtempSync(join(folder, 'served-'));
    writeFileSync(join(home, 'sluice.config.json'), JSON.stringify({ jobs, connections: { [CONNECTION]: database } }), { mode: 0o600 });
    const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: join(home, '.config'), SLUICE_HOME: join(home, 'workspace') };
    const token = execFileSync(sluice, ['token', 'create', '--role', 'operator', '--days', '1'], { cwd: home, env, encoding: 'utf8' }).trim();
    // The script becomes Node itself: the process that is watched is the server.
    const child = spawn(sluice, ['serve', '--port', '0', '--json'], { cwd: home, env, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text; });
    for (const end = Date.now() + START_LIMIT_MS; !output.trimEnd().endsWith('}'); await sleep(50)) {
      if (child.exitCode !== null || Date.now() > end) throw new Error('sluice serve has not started');
    }
    return new Served(child, (JSON.parse(output) as { url: string }).url, token);
  }

  get pid(): number {
    return this.#process.pid!;
  }

  get authorization(): string {
    return `Authorization: Bearer ${this.token}`;
  }

  /** A figure of /metrics. */
  async metric(name: string): Promise<number> {
    const response = await fetch(`${this.url}/metrics`, { headers: { authorization: `Bearer ${this.token}` } });
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await response.text())?.[1]);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
  }
}
