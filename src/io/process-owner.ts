/** Which process on which machine: for locks and leases that others look at. */
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessOwner {
  readonly pid: number;
  /** The host name, and on Linux the pid namespace: containers may share a folder and a host name, but not pids. */
  readonly host: string;
}

let host: string | undefined;

export function thisProcess(): ProcessOwner {
  host ??= `${hostname()}/${pidNamespace()}`;
  return { pid: process.pid, host };
}

/** True when that process certainly no longer runs; false when it does, or when it is elsewhere and only its lease can tell. */
export function isCertainlyGone(owner: ProcessOwner): boolean {
  if (owner.host !== thisProcess().host) return false;
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
