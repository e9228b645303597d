/**
 * Encryption of what must be read again: URLs of connections, which hold passwords. AES-256-GCM with a random nonce for each; what the secret belongs to is authenticated with
 * it, so that two cannot be exchanged. The key is in a file of its own outside of the workspace, readable by its owner only: a copy of the workspace is worth nothing.
 *
 * A sealed secret: 1 byte format, 12 bytes nonce, 16 bytes tag, the ciphertext.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, realpathSync, statSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { hasSystemCode, SluiceError } from '../../errors/sluice-error.ts';

const CIPHER = 'aes-256-gcm';
const FORMAT = 1;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** `--key-file`, else SLUICE_KEY_FILE, else in the user's folder for configurations. */
export function keyFileOf(flag: string | undefined, env: NodeJS.ProcessEnv): string {
  const named = flag ?? env.SLUICE_KEY_FILE;
  if (named !== undefined && named !== '') return resolve(named);
  const home = env.XDG_CONFIG_HOME !== undefined && env.XDG_CONFIG_HOME !== '' ? env.XDG_CONFIG_HOME : join(env.HOME ?? homedir(), '.config');
  return join(home, 'sluice', 'server.key');
}

export class Secrets {
  readonly #file: string;
  readonly #workspace: string;
  #key: Buffer | undefined;

  constructor(file: string, workspace: string) {
    this.#file = file;
    this.#workspace = workspace;
  }

  /** @param belongsTo what the secret is of; must be the same to open it @throws SluiceError SECRETS_UNREADABLE */
  seal(secret: string, belongsTo: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#theKey(true), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(belongsTo));
    const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.from([FORMAT]), nonce, cipher.getAuthTag(), text]);
  }

  /** @throws SluiceError SECRETS_UNREADABLE */
  open(sealed: Uint8Array, belongsTo: string): string {
    const bytes = Buffer.from(sealed);
    const start = 1 + NONCE_BYTES + TAG_BYTES;
    if (bytes.length < start || bytes[0] !== FORMAT) throw unreadable(`${belongsTo} is not in the form that this version writes`);
    const decipher = createDecipheriv(CIPHER, this.#theKey(false), bytes.subarray(1, 1 + NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(belongsTo));
    decipher.setAuthTag(bytes.subarray(1 + NONCE_BYTES, start));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(start)), decipher.final()]).toString('utf8');
    } catch (error) {
      throw unreadable(`${belongsTo} was encrypted with another key than the one in ${this.#file}`, error);
    }
  }

  #theKey(create: boolean): Buffer {
    this.#key ??= readKey(this.#file) ?? (create ? this.#makeKey() : undefined);
    if (this.#key === undefined) throw unreadable(`there is no key file ${this.#file}`);
    return this.#key;
  }

  #makeKey(): Buffer {
    const folder = dirname(this.#file);
    const key = randomBytes(KEY_BYTES);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      if (isInside(realpathSync(folder), realpathSync(this.#workspace))) throw unreadable(`the key file ${this.#file} must not be in the workspace, which holds what it protects`);
      const file = openSync(this.#file, 'wx', 0o600);
      try {
        writeSync(file, `${key.toString('hex')}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      return key;
    } catch (error) {
      // Another server was quicker.
      const other = hasSystemCode(error, 'EEXIST') ? readKey(this.#file) : undefined;
      if (other !== undefined) return other;
      throw error instanceof SluiceError ? error : unreadable(`the key file ${this.#file} cannot be made: ${(error as Error).message}`, error);
    }
  }
}

function readKey(file: string): Buffer | undefined {
  let text: string;
  try {
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw unreadable(`${file}: ${(error as Error).message}`, error);
  }
  if (!/^[0-9a-f]{64}$/.test(text)) throw unreadable(`${file} is no key file`);
  return Buffer.from(text, 'hex');
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`));
}

function unreadable(reason: string, cause?: unknown): SluiceError {
  return new SluiceError('SECRETS_UNREADABLE', { reason }, {}, cause);
}
