/**
 * The shape of sluice.config.json. Only this file imports zod (some 100 ms and 10 MB), and only it is imported when there is a
 * configuration to check: a run without one must not pay for it.
 */
import { z } from 'zod';
import { SluiceError } from '../errors/sluice-error.ts';
import { parseByteSize } from './byte-size.ts';
import type { Configuration } from './configuration.ts';

const size = z.union([z.number().int().positive(), z.string()]).transform((value, context) => {
  try {
    return parseByteSize(String(value), 'size');
  } catch {
    context.addIssue({ code: 'custom', message: 'must be a size such as 500000, "8MB" or "16MiB"' });
    return z.NEVER;
  }
});

const connectionUrl = z.string().min(1, 'must be a connection URL');

const CONNECTION_NAME = /^[A-Za-z_][\w.-]*$/;

const connections = z
  .record(
    z.string()
      .regex(CONNECTION_NAME, 'must begin with a letter and hold only letters, digits, "_", "-" and "."')
      .refine((name) => name !== 'duckdb', 'is taken: "duckdb" always means the database of the workspace'),
    z.union([connectionUrl, z.strictObject({ url: connectionUrl })]),
  )
  .transform((named) => Object.fromEntries(Object.entries(named).map(([name, value]) => [name, typeof value === 'string' ? value : value.url])));

const configuration = z.strictObject({
  $schema: z.string().optional(),
  connections: connections.optional(),
  workspace: z.string().min(1).optional(),
  jobs: z.number().int().min(1).max(256).optional(),
  partSize: size.optional(),
  engineMemory: size.optional(),
  maxRecordSize: size.optional(),
  import: z.strictObject({ mode: z.enum(['append', 'replace', 'upsert']).optional() }).optional(),
  export: z
    .strictObject({
      format: z.enum(['csv', 'json', 'ndjson', 'parquet', 'sql']).optional(),
      compress: z.string().optional(),
      overwrite: z.boolean().optional(),
    })
    .optional(),
});

/**
 * @param file for the message
 * @throws SluiceError CONFIG_INVALID that names the first setting that is wrong
 */
export function parseConfiguration(value: unknown, file: string): Configuration {
  const result = configuration.safeParse(value);
  if (!result.success) throw invalid(result.error.issues[0], file);
  const { $schema: _, ...settings } = result.data;
  return Object.fromEntries(Object.entries(settings).filter(([, setting]) => setting !== undefined));
}

function invalid(issue: z.core.$ZodIssue, file: string): SluiceError {
  const setting = issue.path.map(String).join('.');
  return new SluiceError('CONFIG_INVALID', { file, what: setting === '' ? describe(issue) : `${setting} ${describe(issue)}` }, { file });
}

function describe(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys': return `has no setting ${issue.keys.map((key) => `"${key}"`).join(', ')}`;
    case 'invalid_type': return `must be ${article(issue.expected)}`;
    case 'invalid_value': return `must be one of ${issue.values.map((choice) => JSON.stringify(choice)).join(', ')}`;
    case 'invalid_key': return issue.issues[0]?.message ?? 'is not a name';
    case 'too_small': return `must be at least ${issue.minimum}`;
    case 'too_big': return `must be at most ${issue.maximum}`;
    case 'invalid_union': return 'must be a URL, or an object with "url"';
    default: return issue.message;
  }
}

function article(kind: string): string {
  if (kind === 'int') return 'a whole number';
  return /^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}
