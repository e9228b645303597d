/**
 * The CONTEXT of an error in COPY FROM, `COPY t, line 3, column a: "x"`, in whatever language the server speaks: the words differ, the
 * order of name, number and column does not (in the languages of Europe; in others only the number is found). Sessions ask for English
 * messages, but only superusers get them.
 */
export interface CopyContext {
  readonly line?: number;
  readonly column?: string;
}

const EUROPEAN = /COPY .+?, \p{L}+\.? (\d+)(?:, \p{L}+\.? (.*)|\D.*|)$/su;
const OTHER = /(?:^|[^\p{L}\p{N}_"])(\d+)/u;

export function readCopyContext(where: string | undefined, columns: readonly string[] = []): CopyContext {
  const start = where?.indexOf('COPY') ?? -1;
  if (where === undefined || start < 0) return {};
  const match = EUROPEAN.exec(where.slice(start)) ?? OTHER.exec(where);
  if (match === null) return {};
  const column = match[2] === undefined ? undefined : columnAt(match[2], columns);
  return { line: Number(match[1]), ...(column === undefined ? {} : { column }) };
}

/** `a: "x"`: the longest known name that the text starts with, because a name may hold any character. */
function columnAt(text: string, columns: readonly string[]): string | undefined {
  const fits = columns.filter((name) => text.startsWith(name) && /^(?:\s*:|$|\n)/.test(text.slice(name.length)));
  return fits.toSorted((a, b) => b.length - a.length)[0];
}
