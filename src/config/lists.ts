import { SluiceError } from '../errors/sluice-error.ts';

/** For options that may be given several times: gathers their values. */
export function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/**
 * Names as an option takes them: the option repeated, or several names separated by commas, a name with a comma in double quotes
 * (`"a,b",c`; a double quote inside is doubled). Undefined when the option was not given.
 * @throws SluiceError USAGE
 */
export function parseNames(values: readonly string[] | undefined, option: string): string[] | undefined {
  if (values === undefined) return undefined;
  return values.flatMap((value) => splitNames(value, option));
}

function splitNames(text: string, option: string): string[] {
  const names: string[] = [];
  const pattern = /\s*(?:"((?:[^"]|"")*)"|([^",]*))\s*(,|$)/y;
  for (;;) {
    const match = pattern.exec(text);
    if (match === null) throw new SluiceError('USAGE', { what: `${option}: "${text}" is not a list of names; a name with a comma or a quote goes in double quotes` });
    const name = match[1] === undefined ? match[2].trim() : match[1].replaceAll('""', '"');
    if (name === '') throw new SluiceError('USAGE', { what: `${option}: a name is empty in "${text}"` });
    names.push(name);
    if (match[3] === '') return names;
  }
}

/**
 * `FROM=TO` pairs, one for each time the option is given. The first `=` separates, unless FROM is in double quotes.
 * @throws SluiceError USAGE
 */
export function parsePairs(values: readonly string[] | undefined, option: string): Record<string, string> | undefined {
  if (values === undefined) return undefined;
  const pairs: [string, string][] = values.map((value) => {
    const match = /^(?:"((?:[^"]|"")+)"|([^"=][^=]*))=(.+)$/s.exec(value);
    if (match === null) throw new SluiceError('USAGE', { what: `${option}: "${value}" is not FROM=TO` });
    return [match[1]?.replaceAll('""', '"') ?? match[2], match[3]];
  });
  const twice = pairs.find(([name], index) => pairs.findIndex(([other]) => other === name) < index);
  if (twice !== undefined) throw new SluiceError('USAGE', { what: `${option}: "${twice[0]}" is given twice` });
  // fromEntries defines own properties, so a field called __proto__ stays a field.
  return Object.fromEntries(pairs);
}
