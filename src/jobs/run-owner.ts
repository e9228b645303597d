import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { randomUUID } from 'node:crypto';

/** Who runs a run. The token is the owner's only proof: pids and host names repeat. */
export interface RunOwner {
  readonly token: string;
  readonly pid: number;
  /** The host name, and on Linux the pid namespace: containers may share a workspace and a host name, but not pids. */
  readonly host: string;
}

let host: string | undefined;

function thisHost(): string {
  host ??= `${hostname()}/${pidNamespace()}`;
  return host;
}

export function newOwner(): RunOwner {
  return { token: randomUUID(), pid: process.pid, host: thisHost() };
}

/** True when that process certainly no longer runs; false when it does, or when it is elsewhere and only its lease can tell. */
export function isCertainlyGone(owner: { pid: number; host: string }): boolean {
  if (owner.host !== thisHost()) return false;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
