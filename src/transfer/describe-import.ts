import type { InspectedSource } from '../formats/format.ts';
import type { RunContext } from '../pipeline/run-context.ts';
import { typeName } from '../rows/column-type.ts';
import type { ImportTarget } from './import-target.ts';
import { matchFor } from './import-target.ts';
import type { ImportOptions, PlannedTable, TransferPlan } from './transfer.ts';

/** The plan of an import as plain data for people and for the run store. */
export function describeImport(
  inspected: readonly InspectedSource[], targets: readonly ImportTarget[], to: string, options: ImportOptions, context: RunContext, notes: readonly string[],
): TransferPlan {
  return {
    version: 1,
    job: 'import',
    from: inspected.map((source) => source.source.name).join(', '),
    to,
    jobs: context.jobs,
    tables: targets.map((target) => describeTarget(target, options, context)),
    notes,
  };
}

function describeTarget(target: ImportTarget, options: ImportOptions, context: RunContext): PlannedTable {
  const sourceOf = new Map<string, string>();
  for (const source of target.sources) {
    for (const field of matchFor(source, target.existing, options, target.load.table).fields) sourceOf.set(field.column, field.source.name);
  }
  const [first] = target.sources;
  const bytes = sum(target.sources.map(({ inspected }) => inspected.source.bytes));
  const rows = sum(target.sources.map(({ table }) => table.estimatedRows));
  const seekable = target.sources.every(({ inspected }) => inspected.source.seekable);
  return {
    name: target.load.table,
    from: target.sources.map(({ inspected }) => inspected.source.name),
    ...(first === undefined ? {} : { format: first.inspected.format, details: first.inspected.details }),
    encoding: 'the first that source and target have in common',
    mode: target.load.mode,
    creates: target.load.creates,
    publication: target.load.publication,
    columns: target.load.columns.map((column) => {
      const source = sourceOf.get(column.name);
      return { name: column.name, type: column.nativeType ?? typeName(column.type), ...(source === undefined ? {} : { source }) };
    }),
    parts: { rule: seekable ? 'byte ranges that end with a record' : 'runs of records, in order', bytes: context.partBytes },
    expected: { ...(rows === undefined ? {} : { rows }), ...(bytes === undefined ? {} : { bytes }) },
    statements: target.load.statements,
  };
}

function sum(counts: readonly (number | undefined)[]): number | undefined {
  let total = 0;
  for (const count of counts) {
    if (count === undefined) return undefined;
    total += count;
  }
  return total;
}
