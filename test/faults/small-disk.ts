import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly path: string;
  remove(): void;
}

/** A disk of its own of that size (`600k`); only where `canMount`. */
export function mountSmallDisk(size: string): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'sluice-small-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'ignore' });
  return {
    path,
    remove: () => {
      execFileSync('umount', [path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Whether this machine lets us mount a small disk: that needs root, and a container may still refuse. Says why not. */
export function canMount(): boolean {
  if (process.getuid?.() !== 0) {
    process.stderr.write('Tests of full disks are left out: only root can mount a small one\n');
    return false;
  }
  try {
    mountSmallDisk('64k').remove();
    return true;
  } catch (error) {
    process.stderr.write(`Tests of full disks are left out: ${(error as Error).message}\n`);
    return false;
  }
}
