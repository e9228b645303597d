import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addRowHashes, NO_ROWS, RowHasher } from '../../src/backup/repository/row-hash.ts';
import { binaryStream, copyRows, type Field } from './copy-streams.ts';

function hashOf(encoding: 'copy-binary' | 'copy-text', ...pieces: Uint8Array[]): { rows: number; hash: string; complete: boolean } {
  const hasher = new RowHasher(encoding);
  for (const piece of pieces) hasher.update(piece);
  return { rows: hasher.rows, hash: hasher.digest(), complete: hasher.isComplete };
}

const text = (...lines: string[]): Buffer => Buffer.from(lines.map((line) => `${line}\n`).join(''));

describe('row hashes', () => {
  it('are MurmurHash3_x86_128, by its published values', () => {
    expect(hashOf('copy-text', text("I will not buy this tobacconist's, it is scratched."))).toEqual({ rows: 1, hash: '9b5b7ba2ef3f7866889adeaf00f3f98e', complete: true });
    expect(hashOf('copy-text', text(''))).toEqual({ rows: 1, hash: NO_ROWS, complete: true });
    expect(hashOf('copy-text')).toEqual({ rows: 0, hash: NO_ROWS, complete: true });
  });

  it('do not depend on the order of the rows, and add up', () => {
    const line = fc.stringMatching(/^[ -~]{0,40}$/);
    fc.assert(fc.property(fc.array(line), fc.array(line), (one, other) => {
      const all = hashOf('copy-text', text(...one, ...other));
      expect(hashOf('copy-text', text(...other, ...one))).toEqual(all);
      expect(addRowHashes(hashOf('copy-text', text(...one)).hash, hashOf('copy-text', text(...other)).hash)).toBe(all.hash);
    }));
  });

  it('do not depend on how a stream is cut into pieces, and say whether it is whole', () => {
    fc.assert(fc.property(copyRows(), fc.boolean(), fc.array(fc.nat(200), { maxLength: 6 }), (rows, isBinary, cuts) => {
      const encoding = isBinary ? 'copy-binary' : 'copy-text';
      const stream = isBinary ? binaryStream(rows) : text(...rows.map((row) => row.map((field) => field?.toString('base64') ?? '\\N').join('\t')));
      const places = [0, ...cuts.map((cut) => Math.min(cut, stream.length)), stream.length].toSorted((a, b) => a - b);
      const pieces = places.slice(1).map((place, i) => stream.subarray(places[i], place));
      const whole = hashOf(encoding, stream);
      expect(whole).toMatchObject({ rows: rows.length, complete: true });
      expect(hashOf(encoding, ...pieces)).toEqual(whole);
      if (isBinary) expect(hashOf(encoding, stream.subarray(0, -2)).complete).toBe(false);
    }));
  });

  it('see a change of any bit of any row', () => {
    const rows: Field[][] = [[Buffer.from('abc'), null], [Buffer.from('0123456789abcdefghij')]];
    const stream = binaryStream(rows);
    const { hash } = hashOf('copy-binary', stream);
    for (const at of [25, 26, 27, 32, 38, 45, 50, 57]) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = Buffer.from(stream);
        changed[at] ^= 1 << bit;
        expect(hashOf('copy-binary', changed).hash).not.toBe(hash);
      }
    }
  });

  it('tell a row that is there twice from one that is there once', () => {
    expect(hashOf('copy-text', text('a', 'b', 'b')).hash).not.toBe(hashOf('copy-text', text('a', 'b')).hash);
    expect(hashOf('copy-text', text('a', 'b', 'b')).hash).not.toBe(hashOf('copy-text', text('a', 'a', 'b')).hash);
  });
});
