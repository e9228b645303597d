/**
 * `npm start`: the server with its page, on the embedded database of a workspace of its own (`.sluice-demo`), which has the sample of the repository in it. Prints the link to sign in, and goes on
 * until Ctrl-C. What is loaded there stays until the folder is removed.
 *
 *   npm start -- --port 8000    another port; without, 7420 or any that is free
 *   npm start -- --check        starts it, asks it for its page and for rows, and ends: the exit code says whether all of that works
 *   npm start -- --once         no server: a first look at the command line, which ends
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const sluice = join(root, 'bin/sluice');
const workspace = join(root, '.sluice-demo');
const files = join(root, '.sluice-demo-files');
const env = { ...process.env, SLUICE_HOME: workspace };
const PORT = 7420;
const READY_MS = 60_000;

const args = process.argv.slice(2);
if (args.includes('--once')) await import('./first-look.ts');
else process.exitCode = await serve(args.includes('--check'), portOf(args));

async function serve(isCheck: boolean, port: number): Promise<number> {
  run('sh', join(root, 'scripts/setup.sh'), '--page');
  loadSample();
  const server = spawn(sluice, ['serve', '--port', String(isCheck ? 0 : await freePort(port)), '--files', join(root, 'examples'), '--files', files, '--urls', '--link'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  server.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    process.stdout.write(chunk);
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => server.kill(signal));
  const ended = once(server, 'exit') as Promise<[number | null]>;
  if (!isCheck) return (await ended)[0] ?? 1;
  try {
    await check(await linkIn(() => output, server));
    process.stdout.write('The server, its page and the sample are there.\n');
    return 0;
  } catch (error) {
    process.stderr.write(`npm start -- --check failed: ${(error as Error).message}\n`);
    return 1;
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
}

/** The first start only: what a person has loaded since stays. */
function loadSample(): void {
  mkdirSync(workspace, { recursive: true, mode: 0o700 });
  mkdirSync(files, { recursive: true });
  if (existsSync(join(workspace, 'data.duckdb'))) return;
  process.stdout.write('Loading the sample (countries, regions and navigation aids of the world) into the embedded database\n');
  run(sluice, 'import', 'examples/airports', '--quiet');
}

function run(command: string, ...rest: string[]): void {
  const done = spawnSync(command, rest, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0) process.exit(done.status ?? 1);
}

/** What a browser does first: follow the link, take the page, ask for rows. */
async function check(link: string): Promise<void> {
  const origin = new URL(link).origin;
  const signedIn = await fetch(link, { redirect: 'manual' });
  const cookie = signedIn.headers.getSetCookie().map((line) => line.split(';', 1)[0]).join('; ');
  if (signedIn.status !== 303 || cookie === '') throw new Error(`the sign-in link was answered with ${signedIn.status}`);
  const page = await (await fetch(`${origin}/`)).text();
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(page)?.[1];
  if (script === undefined) throw new Error('there is no page');
  if ((await fetch(origin + script)).status !== 200) throw new Error('the script of the page is not there');
  const rows = await fetch(`${origin}/api/v1/connections/duckdb/tables/countries/rows?limit=3`, { headers: { cookie } });
  const { rows: found } = await rows.json() as { rows?: unknown[] };
  if (found?.length !== 3) throw new Error(`the rows of the sample were answered with ${rows.status}`);
}

async function linkIn(output: () => string, server: ChildProcess): Promise<string> {
  for (const end = Date.now() + READY_MS; Date.now() < end; ) {
    const link = /http:\S+code=\S+/.exec(output())?.[0];
    if (link !== undefined) return link;
    if (server.exitCode !== null) throw new Error('the server did not start');
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error('the server did not say where it is');
}

function portOf(given: readonly string[]): number {
  const at = given.indexOf('--port');
  return at < 0 ? PORT : Number(given[at + 1]);
}

/** The port, or 0 (any) when somebody has it: a second start is not an error. */
async function freePort(port: number): Promise<number> {
  const probe = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
  });
  probe.close();
  return isFree ? port : 0;
}
