/** What an interrupted import needs to go on exactly as it began: plain data in the run store, without secrets. */
import { resolve } from 'node:path';
import type { LoadTablePlan } from '../connectors/connector.ts';
import { SluiceError } from '../errors/sluice-error.ts';
import type { InspectedSource } from '../formats/format.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { isUrl } from '../io/names.ts';
import type { TableName, TableSchema } from '../rows/table-schema.ts';
import type { BoundSource } from './import-quarantine.ts';
import type { ImportTarget, SourceTable } from './import-target.ts';
import type { ImportOptions } from './transfer.ts';

export interface ImportState {
  readonly version: 1;
  /** Without `to`, which may hold a password: `reference` is what the user called it. */
  readonly options: Omit<ImportOptions, 'to'>;
  /** ImportRules.stored. */
  readonly rules?: unknown;
  readonly partBytes: number;
  readonly engineMemoryBytes: number;
  readonly sources: readonly SourceState[];
  readonly targets: readonly TargetState[];
  readonly bound: readonly BoundState[];
}

/** A source as it was when the run began; `inspected` without the source itself. */
interface SourceState {
  readonly name: string;
  /** The same wherever the run goes on. */
  readonly location: string;
  readonly repeatable: boolean;
  readonly fingerprint?: string;
  readonly inspected: Omit<InspectedSource, 'source'>;
}

interface TargetState {
  readonly name: TableName;
  readonly load: LoadTablePlan;
  readonly existing?: TableSchema;
  /** Index of the source, and of the table in it; tables that showed themselves late are here themselves. */
  readonly sources: readonly { readonly source: number; readonly table: SourceTable['table'] }[];
}

type BoundState = Omit<BoundSource, 'inspected'> & { readonly source: number };

export interface ImportStateParts {
  readonly options: ImportOptions;
  readonly rules: unknown;
  readonly partBytes: number;
  readonly engineMemoryBytes: number;
  readonly inspected: readonly InspectedSource[];
  readonly targets: readonly ImportTarget[];
  readonly bound: readonly BoundSource[];
}

export function importState(parts: ImportStateParts): ImportState {
  const { options: { to: _to, ...options }, partBytes, engineMemoryBytes, inspected } = parts;
  const indexOf = (one: InspectedSource): number => inspected.indexOf(one);
  return {
    version: 1,
    options: { ...options, sources: options.sources.map(absolute) },
    rules: parts.rules,
    partBytes,
    engineMemoryBytes,
    sources: inspected.map(({ source, ...rest }): SourceState => ({
      name: source.name, location: locationOf(source), repeatable: source.repeatable, ...(source.fingerprint === undefined ? {} : { fingerprint: source.fingerprint }), inspected: rest,
    })),
    targets: parts.targets.map(({ name, load, existing, sources }): TargetState => ({
      name, load, ...(existing === undefined ? {} : { existing }), sources: sources.map((one) => ({ source: indexOf(one.inspected), table: one.table })),
    })),
    bound: parts.bound.map(({ inspected: one, ...rest }): BoundState => ({ ...rest, source: indexOf(one) })),
  };
}

function locationOf(source: ByteSource): string {
  return source.path === undefined ? source.name : resolve(source.path);
}

function absolute(location: string): string {
  return location === '-' || isUrl(location) ? location : resolve(location);
}

export interface RestoredImport {
  readonly inspected: readonly InspectedSource[];
  readonly targets: readonly ImportTarget[];
  readonly bound: readonly BoundSource[];
}

/** @throws SluiceError RESUME_REFUSED when a source is another one than it was */
export function restoreImport(run: string, state: ImportState, sources: readonly ByteSource[]): RestoredImport {
  const byLocation = new Map(sources.map((source) => [locationOf(source), source]));
  const inspected = state.sources.map((was): InspectedSource => {
    const source = byLocation.get(was.location);
    if (source === undefined) throw new SluiceError('RESUME_REFUSED', { run, reason: `${was.name} is gone` }, { file: was.name });
    if (source.fingerprint !== was.fingerprint) throw new SluiceError('RESUME_REFUSED', { run, reason: `${was.name} has changed since (size or time)` }, { file: was.name });
    return { ...was.inspected, source };
  });
  return {
    inspected,
    targets: state.targets.map(({ name, load, existing, sources: own }): ImportTarget => ({
      name, load, existing, sources: own.map(({ source, table }) => ({ inspected: inspected[source], table })),
    })),
    bound: state.bound.map(({ source, ...rest }): BoundSource => ({ ...rest, inspected: inspected[source] })),
  };
}
