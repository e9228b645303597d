import type { PlannedTable, TransferPlan } from '../../pipeline/transfer.ts';
import { formatBytes, formatCount } from './quantities.ts';
import { printable, printableLine } from './text.ts';

const MAX_FILES = 5;

/** The plan for a person: what --dry-run prints. */
export function planLines(plan: TransferPlan): string[] {
  return [
    `plan: ${plan.job} from ${printableLine(plan.from)} to ${printableLine(plan.to)}, ${plan.tables.length === 1 ? '1 table' : `${formatCount(plan.tables.length)} tables`}, ${plan.jobs} jobs`,
    ...plan.tables.flatMap(tableLines),
    ...plan.notes.map((note) => `note: ${printableLine(note)}`),
  ];
}

function tableLines(table: PlannedTable): string[] {
  return [
    '',
    `table ${printableLine(table.name)}${action(table)}`,
    `  from      ${fileList(table.from)}${table.format === undefined ? '' : ` (${[table.format, ...details(table.details)].join(', ')})`}`,
    `  expected  ${expected(table)}`,
    `  lane      ${printableLine(table.encoding)}, published: ${table.publication}`,
    `  parts     ${printableLine(table.parts.rule)}, about ${formatBytes(table.parts.bytes)} each`,
    ...(table.columns.length === 0 ? [] : [`  columns   ${table.columns.map(columnText).join(', ')}`]),
    ...(table.statements.length === 0 ? [] : ['  statements', ...table.statements.flatMap((statement) => printable(statement).split('\n').map((line) => `    ${line}`))]),
  ];
}

function action({ creates, mode }: PlannedTable): string {
  if (creates === true) return ' (created)';
  return mode === undefined ? '' : ` (${mode})`;
}

function fileList(from: readonly string[]): string {
  const shown = from.slice(0, MAX_FILES).map(printableLine).join(', ');
  return from.length > MAX_FILES ? `${shown} and ${formatCount(from.length - MAX_FILES)} more` : shown;
}

function details(known: PlannedTable['details']): string[] {
  return Object.entries(known ?? {})
    .filter(([, value]) => value !== undefined && value !== null && typeof value !== 'object')
    .map(([name, value]) => `${name} ${printableLine(typeof value === 'string' ? JSON.stringify(value) : String(value))}`);
}

function expected({ expected: { rows, bytes } }: PlannedTable): string {
  const known = [...(rows === undefined ? [] : [`about ${formatCount(rows)} rows`]), ...(bytes === undefined ? [] : [formatBytes(bytes)])];
  return known.length === 0 ? 'unknown size' : known.join(', ');
}

function columnText({ name, type, source }: PlannedTable['columns'][number]): string {
  const renamed = source === undefined || source === name ? '' : ` from ${printableLine(source)}`;
  return `${printableLine(name)} ${type}${renamed}`;
}
