/**
 * Looks at bytes that hold no quotes four at a time: counts line ends, and says whether they are regular. Only regular blocks count; the record
 * scanner goes through all others byte by byte.
 *
 * Per word of four bytes: `x = word ^ 0x0a0a0a0a` has a zero byte where the line end is; the usual carry-free test turns zero bytes into 0x01 in
 * their lane and all others into 0x00. Lanes are summed for at most 255 words before they could overflow. Shifting the marks by one lane, with the
 * last lane of the word before, lays each byte beside its successor: so pairs (CR LF, LF LF) are found without looking at single bytes.
 * Words are little-endian on every platform that Node supports.
 */
const LF4 = 0x0a0a0a0a, CR4 = 0x0d0d0d0d, LOW7 = 0x7f7f7f7f;
const LANES_PER_SUM = 255;

export const IRREGULAR = -1;

/**
 * The number of LF in the words, when there are no empty lines; else IRREGULAR. Requires that the words hold no CR.
 * `atLineStart`: the byte before the words is a line end. Empty lines do not matter with `emptyLines`.
 */
export function countLf(words: Int32Array, atLineStart: boolean, emptyLines: boolean): number {
  let total = 0;
  let empty = 0;
  let before = atLineStart ? 1 : 0;
  for (let i = 0; i < words.length;) {
    const stop = Math.min(words.length, i + LANES_PER_SUM);
    let sum = 0;
    for (; i < stop; i++) {
      const x = words[i] ^ LF4;
      const lf = ~(((x & LOW7) + LOW7) | x | LOW7) >>> 7;
      sum = (sum + lf) | 0;
      empty |= lf & ((lf << 8) | before);
      before = lf >>> 24;
    }
    total += sumLanes(sum);
  }
  return empty !== 0 && !emptyLines ? IRREGULAR : total;
}

/**
 * The number of CR in the words, when each CR is followed by LF, each LF preceded by CR, and no line is empty; else IRREGULAR. The last byte may be
 * a CR whose LF is still to come.
 */
export function countCrLf(words: Int32Array, atLineStart: boolean, emptyLines: boolean): number {
  let total = 0;
  let empty = 0;
  let unpaired = 0;
  let lfBefore = atLineStart ? 1 : 0;
  let crBefore = 0;
  for (let i = 0; i < words.length;) {
    const stop = Math.min(words.length, i + LANES_PER_SUM);
    let sum = 0;
    for (; i < stop; i++) {
      const x = words[i] ^ LF4;
      const y = words[i] ^ CR4;
      const lf = ~(((x & LOW7) + LOW7) | x | LOW7) >>> 7;
      const cr = ~(((y & LOW7) + LOW7) | y | LOW7) >>> 7;
      sum = (sum + cr) | 0;
      empty |= cr & ((lf << 8) | lfBefore);
      unpaired |= lf ^ ((cr << 8) | crBefore);
      lfBefore = lf >>> 24;
      crBefore = cr >>> 24;
    }
    total += sumLanes(sum);
  }
  return unpaired !== 0 || (empty !== 0 && !emptyLines) ? IRREGULAR : total;
}

function sumLanes(sum: number): number {
  return (sum & 0xff) + ((sum >>> 8) & 0xff) + ((sum >>> 16) & 0xff) + (sum >>> 24);
}
