/**
 * Disks that run full during a load: that of the server (a tablespace on a small disk), or that of the workspace. Ballast leaves a little room, more each time, so that the disk is full
 * at another step of the load; then the ballast goes, and the run is resumed.
 */
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { mountSmallDisk, noSmallDisk, type SmallDisk } from '../faults/small-disk.ts';
import { give, serverAccount } from '../helpers/postgres-account.ts';
import type { PostgresServer } from '../helpers/postgres-server.ts';
import { failAndMend } from './interruptions.ts';
import { LoadUnderTest, type LoadParts } from './load-under-test.ts';
import { PostgresTarget } from './postgres-target.ts';

type Source = LoadParts['source'];

export async function fullServerDisk(server: PostgresServer, source: Source, workspace: string, say: (text: string) => void): Promise<string> {
  const reason = noSmallDisk();
  if (reason !== undefined) return `disk full on the server: left out, ${reason}`;
  const disk = mountSmallDisk('64m');
  try {
    mkdirSync(join(disk.path, 'space'));
    await give(disk.path, await serverAccount());
    await admin(server, `CREATE TABLESPACE small LOCATION '${disk.path}/space'`);
    await admin(server, 'CREATE DATABASE small TABLESPACE small');
    const url = new URL(server.url);
    url.pathname = '/small';
    const load = new LoadUnderTest({ target: new PostgresTarget(url.href, url.href), source, workspace, onError: 'quarantine' });
    try {
      return await fill('disk full on the server', disk, load, [0, 256, 512, 768, 1024, 1280, 1408, 1536], say);
    } finally {
      await admin(server, 'DROP DATABASE small WITH (FORCE)');
      await admin(server, 'DROP TABLESPACE small');
    }
  } finally {
    disk.remove();
  }
}

export async function fullWorkspace(server: PostgresServer, source: Source, folder: string, say: (text: string) => void): Promise<string> {
  const reason = noSmallDisk();
  if (reason !== undefined) return `disk full in the workspace: left out, ${reason}`;
  const disk = mountSmallDisk('8m');
  try {
    const load = new LoadUnderTest({ target: new PostgresTarget(server.url, server.url), source, workspace: join(disk.path, 'workspace'), onError: 'quarantine' });
    return await fill('disk full in the workspace', disk, load, [0, 16, 32, 48, 64, 96, 128, 160, 192, 224], say);
  } finally {
    disk.remove();
    rmSync(join(folder, 'workspace'), { recursive: true, force: true });
  }
}

/** @param rooms kilobytes that are left free when the load begins */
async function fill(name: string, disk: SmallDisk, load: LoadUnderTest, rooms: readonly number[], say: (text: string) => void): Promise<string> {
  const ballast = join(disk.path, 'ballast');
  const mend = (): void => rmSync(ballast, { force: true });
  const codes = new Map<string, number>();
  await failAndMend(load, () => {}, mend);
  for (const room of rooms) {
    const code = await failAndMend(load, () => {
      const { bavail, bsize } = statfsSync(disk.path);
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - room * 1024)));
    }, mend).catch((error: unknown) => { throw new Error(`${name} with ${room} KB left: ${(error as Error).message}`, { cause: error }); });
    say(`${name} with ${room} KB left: ${code ?? 'enough'}, whole`);
    if (code !== undefined) codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  return `${name}: ${[...codes].map(([code, count]) => `${count} runs ended with ${code}`).join(', ')}, resumed when there was room`;
}

async function admin(server: PostgresServer, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
