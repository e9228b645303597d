import { resolve } from 'node:path';
import { SluiceError } from '../errors/sluice-error.ts';
import { parseByteSize } from './byte-size.ts';
import type { LoadedConfiguration } from './configuration.ts';

/** Settings of every run after flag, environment and file were weighed; what nobody set is absent (the hardware decides, jobs/hardware.ts). */
export interface Settings {
  /** Absolute path of the workspace folder. */
  readonly workspace: string;
  readonly jobs?: number;
  readonly partBytes?: number;
  readonly engineMemoryBytes?: number;
}

/** Values of the flags, as typed by the user; they win over everything else. */
export interface SettingFlags {
  readonly jobs?: string | undefined;
  readonly partSize?: string | undefined;
}

export const MAX_JOBS = 256;
const DEFAULT_WORKSPACE = '.sluice';

/**
 * Flag before environment before file. An empty environment variable counts as unset.
 * @throws SluiceError USAGE for values that are none
 */
export function resolveSettings(flags: SettingFlags, env: NodeJS.ProcessEnv, configuration: LoadedConfiguration, cwd: string): Settings {
  const file = configuration.settings;
  const jobs = parsed(flags.jobs, '--jobs', parseJobs) ?? parsed(env.SLUICE_JOBS, 'SLUICE_JOBS', parseJobs) ?? file.jobs;
  const partBytes = parsed(flags.partSize, '--part-size', parseByteSize) ?? parsed(env.SLUICE_PART_SIZE, 'SLUICE_PART_SIZE', parseByteSize) ?? file.partSize;
  const engineMemoryBytes = parsed(env.SLUICE_ENGINE_MEMORY, 'SLUICE_ENGINE_MEMORY', parseByteSize) ?? file.engineMemory;
  return {
    workspace: workspaceFolder(env, configuration, cwd),
    ...(jobs === undefined ? {} : { jobs }),
    ...(partBytes === undefined ? {} : { partBytes }),
    ...(engineMemoryBytes === undefined ? {} : { engineMemoryBytes }),
  };
}

/** SLUICE_HOME, else `workspace` of the configuration (relative to its file), else `.sluice` in `cwd`; absolute. */
export function workspaceFolder(env: NodeJS.ProcessEnv, configuration: LoadedConfiguration | undefined, cwd: string): string {
  if (env.SLUICE_HOME) return resolve(cwd, env.SLUICE_HOME);
  if (configuration?.settings.workspace !== undefined) return resolve(configuration.folder, configuration.settings.workspace);
  return resolve(cwd, DEFAULT_WORKSPACE);
}

function parsed<T>(text: string | undefined, where: string, parse: (text: string, where: string) => T): T | undefined {
  return text === undefined || text === '' ? undefined : parse(text, where);
}

function parseJobs(text: string, where: string): number {
  const jobs = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(jobs >= 1 && jobs <= MAX_JOBS)) {
    throw new SluiceError('USAGE', { what: `${where}: "${text}" is not a whole number from 1 to ${MAX_JOBS}` });
  }
  return jobs;
}
