/**
 * Decides whether the first record names the columns, and makes names of it.
 *
 * The strongest sign is a column whose values are numbers, dates or the like while its first cell is not (a header), or is one too (data). When
 * all is text, the first record is a header unless a cell of it is empty, looks like a value, or comes again in its column.
 */
import { looksTyped, TypeInference } from '../../rows/infer-type.ts';
import { decodeText, isUtf16, type Charset } from './charset.ts';
import type { RecordParser } from './record-parser.ts';
import { eachRecord } from './sample.ts';

const MAX_RECORDS = 1000;

interface FirstRecord {
  readonly cells: readonly Buffer[];
  readonly types: readonly TypeInference[];
  readonly repeated: boolean[];
  records: number;
}

export function detectHeader(parser: RecordParser, head: Buffer, last: boolean): boolean {
  const first = readFirst(parser, head, last);
  if (first === undefined) return false;
  let signs = 0;
  let against = 0;
  const yearlike: number[] = [];
  first.cells.forEach((cell, i) => {
    if (!first.types[i].seen || first.types[i].settled || cell.length === 0) return;
    const withCell = new TypeInference();
    withCell.see(cell, 0, cell.length);
    if (withCell.settled) {
      signs++;
    } else {
      against++;
      yearlike.push(yearOf(cell));
    }
  });
  if (signs + against > 0) return signs >= against || isYearRow(first.cells, yearlike);
  return first.cells.every((cell, i) => cell.length > 0 && !first.repeated[i] && !looksTyped(cell, 0, cell.length));
}

/** A pivot table: columns of numbers under years, beside at least one column with a name. */
function isYearRow(cells: readonly Buffer[], years: readonly number[]): boolean {
  return years.length > 1 && cells.some((cell) => !looksTyped(cell, 0, cell.length))
    && years.every((year, i) => year >= 1800 && year <= 2200 && (i === 0 || year === years[i - 1] + 1 || year === years[i - 1] - 1));
}

function yearOf(cell: Buffer): number {
  return cell.length === 4 ? Number(cell.toString('latin1')) : NaN;
}

function readFirst(parser: RecordParser, head: Buffer, last: boolean): FirstRecord | undefined {
  let first: FirstRecord | undefined;
  const text = (i: number): Buffer => {
    const out = Buffer.alloc(parser.ends[i] - parser.starts[i]);
    return out.subarray(0, parser.copyText(i, head, out, 0));
  };
  eachRecord(parser, head, last, () => {
    if (first === undefined) {
      const cells = Array.from({ length: parser.count }, (_, i) => text(i));
      first = { cells, types: cells.map(() => new TypeInference()), repeated: cells.map(() => false), records: 0 };
      return true;
    }
    for (let i = 0; i < Math.min(parser.count, first.cells.length); i++) {
      if (parser.isNull(i, head)) continue;
      first.types[i].see(head, parser.starts[i], parser.ends[i]);
      if (parser.ends[i] - parser.starts[i] === first.cells[i].length && text(i).equals(first.cells[i])) first.repeated[i] = true;
    }
    return ++first.records < MAX_RECORDS;
  });
  return first;
}

/** The texts of the record that the parser has just parsed, blanks around them removed. */
export function headerTexts(parser: RecordParser, bytes: Buffer, charset: Charset): string[] {
  return Array.from({ length: parser.count }, (_, i) => {
    const out = Buffer.alloc(parser.ends[i] - parser.starts[i]);
    return decodeText(out.subarray(0, parser.copyText(i, bytes, out, 0)), isUtf16(charset) ? 'utf-8' : charset).trim();
  });
}

/** Distinct names (also when case is ignored, as some databases do): empty ones become `column_N`, repeated ones `name_2`. `renamed`: by number from 1. */
export function columnNames(texts: readonly string[]): { names: string[]; renamed: Record<string, string> } {
  const taken = new Set(texts.map((text) => text.toLowerCase()));
  const used = new Set<string>();
  const renamed: Record<string, string> = {};
  const names = texts.map((text, i) => {
    let name = text === '' ? `column_${i + 1}` : text;
    const isFree = (candidate: string): boolean => !used.has(candidate.toLowerCase()) && (candidate === text || !taken.has(candidate.toLowerCase()));
    for (let n = 2; !isFree(name); n++) name = `${text === '' ? `column_${i + 1}` : text}_${n}`;
    used.add(name.toLowerCase());
    if (name !== text) renamed[i + 1] = name;
    return name;
  });
  return { names, renamed };
}
