import { availableParallelism, totalmem } from 'node:os';

/**
 * Defaults from the machine. More than eight jobs rarely help one database and cost a connection each; fewer than two would leave reading and writing to
 * take turns. Part sizes are what the byte lanes' memory budget (docs/memory.md) allows: an import holds a part per job and sends it
 * in one COPY, an export holds parts that wait for their place in the file.
 */
const MIB = 2 ** 20;
const MAX_DEFAULT_JOBS = 8;
const MIN_DEFAULT_JOBS = 2;

export interface Hardware {
  readonly cores: number;
  /** Physical memory, or the limit of the control group where that is lower. */
  readonly memoryBytes: number;
}

export function thisMachine(): Hardware {
  const limit = process.constrainedMemory();
  const total = totalmem();
  return { cores: availableParallelism(), memoryBytes: limit > 0 && limit < total ? limit : total };
}

export function defaultJobs(hardware: Hardware): number {
  return Math.min(MAX_DEFAULT_JOBS, Math.max(MIN_DEFAULT_JOBS, hardware.cores));
}

/**
 * Measured: exports keep jobs + 1 parts in memory while they wait for their turn, and gain nothing above 2 MiB; imports pay a transaction for each part. Restores read
 * what applications write, JSON above all, whose parts are in memory; theirs go to unlogged tables, where a transaction costs little. A backup's page groups are as long as a chunk.
 */
export function defaultPartBytes(job: 'import' | 'export' | 'copy' | 'backup' | 'restore' | 'verify'): number {
  return (job === 'import' ? 8 : job === 'copy' ? 4 : 2) * MIB;
}

/** A sixteenth of the memory, from 256 to 512 MiB. */
export function defaultEngineMemoryBytes(hardware: Hardware): number {
  return Math.min(512 * MIB, Math.max(256 * MIB, Math.floor(hardware.memoryBytes / 16 / MIB) * MIB));
}
