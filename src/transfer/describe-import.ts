import type { Format, FormatName, InspectedSource } from '../formats/format.ts';
import type { RunContext } from '../pipeline/run-context.ts';
import { loadFormat } from '../formats/registry.ts';
import { typeName } from '../rows/column-type.ts';
import { describeEncoding } from '../rows/row-encoding.ts';
import type { ImportTarget } from './import-target.ts';
import { bindFields, matchFor } from './import-target.ts';
import type { PlannedTable, TransferPlan } from '../pipeline/transfer.ts';
import type { ImportOptions } from './transfer.ts';

/** The plan of an import as plain data for people and for the run store. */
export async function describeImport(
  inspected: readonly InspectedSource[], targets: readonly ImportTarget[], to: string, options: ImportOptions, context: RunContext, notes: readonly string[], job: 'import' | 'restore',
): Promise<TransferPlan> {
  const formats = new Map<FormatName, Format>();
  for (const { format } of inspected) formats.set(format, await loadFormat(format));
  return {
    version: 1,
    job,
    from: inspected.map((source) => source.source.name).join(', '),
    to,
    jobs: context.jobs,
    tables: targets.map((target) => describeTarget(target, formats, options, context)),
    notes,
  };
}

function describeTarget(target: ImportTarget, formats: ReadonlyMap<FormatName, Format>, options: ImportOptions, context: RunContext): PlannedTable {
  const sourceOf = new Map<string, string>();
  for (const source of target.sources) {
    for (const field of matchFor(source, target.existing, options, target.load.table).fields) sourceOf.set(field.column, field.source.name);
  }
  const [first] = target.sources;
  const bytes = sum(target.sources.map(({ inspected }) => inspected.source.bytes));
  const rows = sum(target.sources.map(({ table }) => table.estimatedRows));
  const encoding = encodingsOf(target, formats, options);
  const seekable = target.sources.every(({ inspected }) => inspected.source.seekable);
  return {
    name: target.load.table,
    from: target.sources.map(({ inspected }) => inspected.source.name),
    ...(first === undefined ? {} : { format: first.inspected.format, details: choicesOf(first.inspected.details) }),
    encoding: encoding.join(' or '),
    mode: target.load.mode,
    creates: target.load.creates,
    publication: target.load.publication,
    columns: target.load.columns.map((column) => {
      const source = sourceOf.get(column.name);
      return { name: column.name, type: column.nativeType ?? typeName(column.type), ...(source === undefined ? {} : { source }) };
    }),
    parts: { rule: encoding.length === 1 && encoding[0] === 'file' ? 'whole files, read by the engine' : seekable ? 'byte ranges that end with a record' : 'runs of records, in order', bytes: context.partBytes },
    expected: { ...(rows === undefined ? {} : { rows }), ...(bytes === undefined ? {} : { bytes }) },
    statements: target.load.statements,
  };
}

/** The lane of each source: the first encoding that it offers and the target takes. */
function encodingsOf(target: ImportTarget, formats: ReadonlyMap<FormatName, Format>, options: ImportOptions): string[] {
  const chosen = target.sources.map((source) => {
    const matching = matchFor(source, target.existing, options, target.load.table);
    const fields = bindFields(target, matching, options, 'json').map((field) => field.source);
    const offered = formats.get(source.inspected.format)!.encodings(source.inspected, source.table, fields);
    const taken = offered.find(({ kind }) => target.load.accepts.includes(kind));
    return taken === undefined ? 'none in common' : describeEncoding(taken);
  });
  return [...new Set(chosen)];
}

/** What a person may want to overrule; a format's own bookkeeping (offsets, sizes) stays with the format. */
const CHOICES: ReadonlySet<string> = new Set(['delimiter', 'quote', 'escape', 'nullText', 'charset', 'header', 'lineEnd', 'shape', 'path', 'dialect', 'skipped', 'leftOut', 'renamed']);

function choicesOf(details: InspectedSource['details']): Record<string, unknown> {
  return Object.fromEntries(Object.entries(details).filter(([name]) => CHOICES.has(name)));
}

function sum(counts: readonly (number | undefined)[]): number | undefined {
  let total = 0;
  for (const count of counts) {
    if (count === undefined) return undefined;
    total += count;
  }
  return total;
}
