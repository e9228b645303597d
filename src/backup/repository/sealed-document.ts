/**
 * JSON documents that carry their own checksum: the document on one line, and on a second the SHA-256 of the first line's bytes. So every flipped byte and every cut is found, and
 * `head -n 1 FILE | tr -d '\n' | sha256sum` checks one by hand.
 */
import { hash } from 'node:crypto';
import { ShapeMismatch, type Shape } from './shape.ts';

const LF = 0x0a;
const SEAL = /^\{"sha256":"([0-9a-f]{64})"\}\n$/;

/** Says for people what is wrong; the caller knows which object it is and makes a coded error of it. */
export class DocumentDamage extends Error {
  override readonly name = 'DocumentDamage';
}

export function sealDocument(value: unknown): Uint8Array[] {
  const line = Buffer.from(JSON.stringify(value));
  return [line, Buffer.from(`\n{"sha256":"${hash('sha256', line)}"}\n`)];
}

/** The document, its seal checked and its content not. @throws DocumentDamage */
export function unsealDocument(bytes: Buffer): unknown {
  const end = bytes.indexOf(LF);
  const seal = end < 0 ? null : SEAL.exec(bytes.toString('latin1', end + 1));
  if (seal === null) throw new DocumentDamage('it is cut off, or has no checksum');
  const line = bytes.subarray(0, end);
  if (hash('sha256', line) !== seal[1]) throw new DocumentDamage('its checksum is another');
  try {
    return JSON.parse(line.toString());
  } catch {
    throw new DocumentDamage('it is no JSON');
  }
}

/** @throws DocumentDamage naming the first member that is not as it should be */
export function checkDocument<T>(shape: Shape<T>, value: unknown): T {
  try {
    return shape(value, '');
  } catch (error) {
    if (!(error instanceof ShapeMismatch)) throw error;
    throw new DocumentDamage(error.message);
  }
}
