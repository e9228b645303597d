import { randomUUID } from 'node:crypto';
import { thisProcess, type ProcessOwner } from '../io/process-owner.ts';

/** Who runs a run. The token is the owner's only proof: pids and host names repeat. */
export interface RunOwner extends ProcessOwner {
  readonly token: string;
}

export function newOwner(): RunOwner {
  return { token: randomUUID(), ...thisProcess() };
}
