import { SluiceError } from '../errors/sluice-error.ts';

const SPELLED: Readonly<Record<string, string>> = { '\\t': '\t', tab: '\t', comma: ',', semicolon: ';', pipe: '|', space: ' ' };

/** One ASCII character, also spelled `\t`, `tab`, `comma`, `semicolon`, `pipe`, `space`. @throws SluiceError USAGE */
export function parseDelimiter(text: string | undefined): string | undefined {
  return text === undefined ? undefined : oneByte(Object.hasOwn(SPELLED, text) ? SPELLED[text] : text, text, '--delimiter');
}

/** One ASCII character; '' or `none` for a dialect without quotes. @throws SluiceError USAGE */
export function parseQuote(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return text === '' || text === 'none' ? '' : oneByte(text, text, '--quote');
}

/** One ASCII character. @throws SluiceError USAGE */
export function parseEscape(text: string | undefined): string | undefined {
  return text === undefined ? undefined : oneByte(text, text, '--escape');
}

function oneByte(character: string, typed: string, option: string): string {
  const code = character.charCodeAt(0);
  if (character.length === 1 && code > 0 && code < 128 && character !== '\n' && character !== '\r') return character;
  throw new SluiceError('USAGE', { what: `${option}: "${typed}" is not one ASCII character` });
}
