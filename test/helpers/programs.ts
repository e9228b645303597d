import { spawnSync } from 'node:child_process';

/** Whether this machine has these programs, which Sluice itself never needs. Says which not. */
export function hasPrograms(...names: string[]): boolean {
  const missing = names.filter((name) => spawnSync(name, ['--version']).status !== 0);
  if (missing.length > 0) process.stderr.write(`Tests with ${missing.join(', ')} are left out: not installed\n`);
  return missing.length === 0;
}
