import { describe, expect, it } from 'vitest';
import { defaultEngineMemoryBytes, defaultJobs, thisMachine } from '../../src/jobs/hardware.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;

describe('defaults from the hardware', () => {
  it.each([[1, 2], [2, 2], [5, 5], [8, 8], [64, 8]])('%i cores make %i jobs', (cores, jobs) => {
    expect(defaultJobs({ cores, memoryBytes: GIB })).toBe(jobs);
  });

  it.each([[1 * GIB, 256 * MIB], [4 * GIB, 256 * MIB], [6 * GIB, 384 * MIB], [8 * GIB, 512 * MIB], [1024 * GIB, 512 * MIB]])('%i bytes of memory give the engine %i', (memoryBytes, engine) => {
    expect(defaultEngineMemoryBytes({ cores: 1, memoryBytes })).toBe(engine);
  });

  it('knows this machine', () => {
    expect(thisMachine().cores).toBeGreaterThan(0);
    expect(thisMachine().memoryBytes).toBeGreaterThan(64 * MIB);
  });
});
