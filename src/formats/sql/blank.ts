import type { LexicalRules } from './dialect.ts';
import { NEED_MORE } from './string-literal.ts';

const LF = 0x0a, DASH = 0x2d, SLASH = 0x2f, STAR = 0x2a, HASH = 0x23, BANG = 0x21, LETTER_M = 0x4d;
/** `/*M!999999\- …` is what mariadb-dump writes to be ignored by everybody. */
const NEVER = 999_999;

/**
 * Skips white space and comments from `pos`. In MySQL, `/*!50003 ` and the end of such a comment are blank too: what is between is code.
 * @param ended nothing comes after `end`
 * @returns the position of the next byte that means something (`end` when there is none yet), or NEED_MORE when the window ends within a comment
 */
export function skipBlank(bytes: Uint8Array, pos: number, end: number, rules: LexicalRules, ended: boolean): number {
  let i = pos;
  while (i < end) {
    const byte = bytes[i];
    if (isSpace(byte)) {
      i++;
      continue;
    }
    if (byte !== DASH && byte !== SLASH && byte !== HASH && byte !== STAR) return i;
    const next = skipComment(bytes, i, end, rules, ended);
    if (next === i || next === NEED_MORE) return next;
    i = next;
  }
  return end;
}

/** A comment that starts at `pos`: the position after it; `pos` when there is none. */
function skipComment(bytes: Uint8Array, pos: number, end: number, rules: LexicalRules, ended: boolean): number {
  if (isLineComment(bytes, pos, end, rules)) {
    const stop = bytes.indexOf(LF, pos);
    if (stop !== -1 && stop < end) return stop + 1;
    return ended ? end : NEED_MORE;
  }
  if (pos + 1 >= end) return ended || bytes[pos] === HASH ? pos : NEED_MORE;
  if (bytes[pos] === STAR && bytes[pos + 1] === SLASH && rules.conditionalComments) return pos + 2;
  if (bytes[pos] === SLASH && bytes[pos + 1] === STAR) {
    const code = rules.conditionalComments ? codeInComment(bytes, pos, end) : pos;
    return code === pos ? commentEnd(bytes, pos + 2, end, rules) : code;
  }
  return pos;
}

/** MySQL wants a blank after `--`; `--5` is a number there. */
export function isLineComment(bytes: Uint8Array, pos: number, end: number, rules: LexicalRules): boolean {
  if (bytes[pos] === HASH) return rules.hashComments;
  if (bytes[pos] !== DASH || pos + 1 >= end || bytes[pos + 1] !== DASH) return false;
  return rules.dialect !== 'mysql' || pos + 2 >= end || bytes[pos + 2] <= 0x20;
}

/** @param pos of `/*` @returns where the code of an executable comment begins; `pos` for an ordinary comment; NEED_MORE */
export function codeInComment(bytes: Uint8Array, pos: number, end: number): number {
  let i = pos + 2;
  if (i < end && bytes[i] === LETTER_M) i++;
  if (i >= end) return NEED_MORE;
  if (bytes[i] !== BANG) return pos;
  let version = 0;
  for (i++; i < end && bytes[i] >= 0x30 && bytes[i] <= 0x39; i++) version = version * 10 + bytes[i] - 0x30;
  if (i >= end) return NEED_MORE;
  return version >= NEVER ? pos : i;
}

function commentEnd(bytes: Uint8Array, pos: number, end: number, rules: LexicalRules): number {
  let depth = 1;
  for (let i = pos; i + 1 < end; i++) {
    if (bytes[i] === STAR && bytes[i + 1] === SLASH) {
      if (--depth === 0) return i + 2;
      i++;
    } else if (rules.nestedComments && bytes[i] === SLASH && bytes[i + 1] === STAR) {
      depth++;
      i++;
    }
  }
  return NEED_MORE;
}

export function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Letters, digits, `_`, `$`, and everything above ASCII. */
export function isWordByte(byte: number): boolean {
  return WORD[byte] === 1;
}

const WORD = new Uint8Array(256);
for (let i = 0; i < 256; i++) {
  WORD[i] = (i >= 0x30 && i <= 0x39) || (i >= 0x41 && i <= 0x5a) || (i >= 0x61 && i <= 0x7a) || i === 0x5f || i === 0x24 || i >= 0x80 ? 1 : 0;
}
