import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SluiceError, hasSystemCode } from '../errors/sluice-error.ts';

/** The checked content of a sluice.config.json (docs/configuration.md). Sizes are bytes. */
export interface Configuration {
  /** URL by name, `${ENV}` still in it: a variable is needed only when its connection is used. */
  readonly connections?: Readonly<Record<string, string>>;
  readonly workspace?: string;
  readonly jobs?: number;
  readonly partSize?: number;
  readonly engineMemory?: number;
  readonly maxRecordSize?: number;
  readonly import?: { readonly mode?: 'append' | 'replace' | 'upsert' };
  readonly export?: {
    readonly format?: 'csv' | 'json' | 'ndjson' | 'parquet' | 'sql';
    readonly compress?: string;
    readonly overwrite?: boolean;
  };
}

/** A configuration and where it comes from; relative paths in it count from `folder`. */
export interface LoadedConfiguration {
  readonly settings: Configuration;
  /** Absolute; undefined when there is no file. */
  readonly file?: string;
  readonly folder: string;
}

export const CONFIG_FILE_NAME = 'sluice.config.json';

/**
 * Reads the configuration: the file named by `path` or SLUICE_CONFIG, which must exist, else `sluice.config.json` in `cwd`, which may not.
 * @throws SluiceError CONFIG_INVALID
 */
export async function loadConfiguration(options: { path?: string | undefined; cwd: string; env: NodeJS.ProcessEnv }): Promise<LoadedConfiguration> {
  const named = options.path ?? nonEmpty(options.env.SLUICE_CONFIG);
  const file = resolve(options.cwd, named ?? CONFIG_FILE_NAME);
  const text = await readConfiguration(file, named !== undefined);
  if (text === undefined) return { settings: {}, folder: options.cwd };
  const value = parseJson(text, file);
  const { parseConfiguration } = await import('./config-schema.ts');
  return { settings: parseConfiguration(value, file), file, folder: dirname(file) };
}

async function readConfiguration(file: string, required: boolean): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (!required && hasSystemCode(error, 'ENOENT')) return undefined;
    const reason = hasSystemCode(error, 'ENOENT') ? 'there is no such file' : (error as Error).message;
    throw new SluiceError('CONFIG_INVALID', { file, what: reason }, { file }, error);
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    // The message of JSON.parse quotes the text, which may hold a password: only its position is passed on.
    const position = /position (\d+)/.exec((error as Error).message)?.[1];
    const before = position === undefined ? undefined : text.slice(0, Number(position));
    const line = before === undefined ? undefined : before.split('\n').length;
    throw new SluiceError('CONFIG_INVALID', { file, what: 'it is not JSON' }, { file, ...(line === undefined ? {} : { line }) });
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
