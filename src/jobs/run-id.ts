import { randomBytes } from 'node:crypto';

/**
 * Run ids sort by time and are short enough to type: nine letters of the millisecond (good until the year 3084) and five random ones, in
 * Crockford's base 32, which has no letters that look alike. 25 random bits only have to tell apart runs of one millisecond.
 */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_LETTERS = 9;
const RANDOM_LETTERS = 5;

export const RUN_ID = /^[0-9a-hjkmnp-tv-z]{14}$/;

export function newRunId(now: number = Date.now()): string {
  let time = '';
  for (let rest = now, i = 0; i < TIME_LETTERS; i++, rest = Math.floor(rest / 32)) time = ALPHABET[rest % 32] + time;
  return time + Array.from(randomBytes(RANDOM_LETTERS), (byte) => ALPHABET[byte % 32]).join('');
}
