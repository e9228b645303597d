/**
 * Tokens of programs, sessions of browsers, and the one-time links that begin sessions: each a random secret of 256 bits that is shown once and kept as its SHA-256.
 *
 * Why no slow hash: a slow one protects secrets that can be guessed. 256 random bits cannot, and a hash that costs memory and time at every request would only be a way to
 * stop the server. The comparison takes the same time wherever two hashes differ.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { Role } from '../contracts/route-contract.ts';
import type { TokenListing } from '../contracts/session.ts';
import type { ServerStore } from './server-store.ts';

export type CredentialKind = 'token' | 'session' | 'link';

/** Who a request comes from. */
export interface Holder {
  readonly id: string;
  readonly kind: 'token' | 'session';
  readonly name: string;
  readonly role: Role;
  readonly expiresAt: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LINK_MS = HOUR_MS;
/** A session ends when it was not used for so long … */
const IDLE_MS = 12 * HOUR_MS;
/** … and in any case after so long. */
const LONGEST_SESSION_MS = 7 * DAY_MS;
/** How exactly the last use is known: each record of it is a write. */
const USE_RESOLUTION_MS = 60_000;
const KEPT_AFTER_END_MS = 30 * DAY_MS;

const PREFIXES: Readonly<Record<CredentialKind, string>> = { token: 'slt', session: 'sls', link: 'sll' };
const SHAPE = /^(slt|sls|sll)_([0-9a-f]{12})_([\w-]{43})$/;

interface Row {
  id: string;
  kind: CredentialKind;
  name: string;
  role: Role;
  hash: Uint8Array;
  created_at: number;
  expires_at: number;
  last_used_at: number | null;
  revoked_at: number | null;
  parent: string | null;
}

export class Credentials {
  readonly #store: ServerStore;

  constructor(store: ServerStore) {
    this.#store = store;
  }

  /** @returns the token itself, which is not kept */
  createToken(name: string, role: Role, days: number, now: number = Date.now()): TokenListing & { token: string } {
    const { id, secret } = this.#create('token', name, role, now, now + days * DAY_MS);
    return { ...this.#listing(id), token: secret };
  }

  /** @returns the code for the address of the link; good once, for an hour */
  createLink(role: Role, now: number = Date.now()): string {
    return this.#create('link', 'link', role, now, now + LINK_MS).secret;
  }

  /** Begins the session of a browser with the code of a link, which is used up by that, or with a token. @throws SluiceError SIGN_IN_NEEDED */
  signIn(secret: string, now: number = Date.now()): { readonly session: string; readonly holder: Holder } {
    const row = this.#find(secret, ['link', 'token'], now);
    // Compare-and-set: of two that follow the same link only one gets in.
    if (row.kind === 'link' && this.#store.run('UPDATE credentials SET revoked_at = ?, last_used_at = ? WHERE id = ? AND revoked_at IS NULL', now, now, row.id) === 0) throw refused('the link was used already');
    const ends = Math.min(now + IDLE_MS, row.kind === 'token' ? row.expires_at : Infinity);
    const { id, secret: session } = this.#create('session', row.name, row.role, now, ends, row.kind === 'token' ? row.id : null);
    this.#forgetOld(now);
    return { session, holder: { id, kind: 'session', name: row.name, role: row.role, expiresAt: ends } };
  }

  /** @throws SluiceError SIGN_IN_NEEDED for what is unknown, expired or revoked */
  holderOf(secret: string, kind: 'token' | 'session', now: number = Date.now()): Holder {
    const row = this.#find(secret, [kind], now);
    const parent = row.parent === null ? undefined : this.#byId(row.parent);
    if (row.parent !== null && !isValid(parent, now)) throw refused('the token of this session was revoked');
    let expiresAt = row.expires_at;
    if (row.last_used_at === null || now - row.last_used_at > USE_RESOLUTION_MS) {
      if (kind === 'session') expiresAt = Math.min(now + IDLE_MS, row.created_at + LONGEST_SESSION_MS, parent?.expires_at ?? Infinity);
      this.#store.run('UPDATE credentials SET last_used_at = ?, expires_at = ? WHERE id = ?', now, expiresAt, row.id);
    }
    return { id: row.id, kind, name: row.name, role: row.role, expiresAt };
  }

  /** Whether a token or session that was let in would still be. */
  isGood(id: string, now: number = Date.now()): boolean {
    const row = this.#byId(id);
    return isValid(row, now) && (row.parent === null || isValid(this.#byId(row.parent), now));
  }

  /** Newest first. */
  listTokens(): TokenListing[] {
    return this.#store.all<Row>(`SELECT * FROM credentials WHERE kind = 'token' ORDER BY created_at DESC, id DESC`).map(listing);
  }

  /** Its sessions end with it. @throws SluiceError TOKEN_UNKNOWN */
  revokeToken(id: string, now: number = Date.now()): void {
    const changed = this.#store.run(`UPDATE credentials SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? AND kind = 'token'`, now, id);
    if (changed === 0) throw new SluiceError('TOKEN_UNKNOWN', { token: id });
  }

  endSession(id: string): void {
    this.#store.run(`DELETE FROM credentials WHERE id = ? AND kind = 'session'`, id);
  }

  /** Whether anybody could sign in now, but by a link. */
  hasHolders(now: number = Date.now()): boolean {
    return this.#store.all(`SELECT 1 FROM credentials WHERE kind IN ('token', 'session') AND revoked_at IS NULL AND expires_at > ? LIMIT 1`, now).length > 0;
  }

  // oxlint-disable-next-line max-params -- the columns of one row
  #create(kind: CredentialKind, name: string, role: Role, now: number, expiresAt: number, parent: string | null = null): { id: string; secret: string } {
    const id = randomBytes(6).toString('hex');
    const secret = randomBytes(32).toString('base64url');
    this.#store.run('INSERT INTO credentials (id, kind, name, role, hash, created_at, expires_at, parent) VALUES (?, ?, ?, ?, ?, ?, ?, ?)', id, kind, name, role, hashOf(secret), now, expiresAt, parent);
    return { id, secret: `${PREFIXES[kind]}_${id}_${secret}` };
  }

  #find(secret: string, kinds: readonly CredentialKind[], now: number): Row {
    const [, prefix, id, random] = SHAPE.exec(secret) ?? [];
    const row = id === undefined ? undefined : this.#byId(id);
    const fits = row !== undefined && kinds.includes(row.kind) && PREFIXES[row.kind] === prefix;
    if (!fits || !timingSafeEqual(hashOf(random), row.hash)) throw refused('it is not known here');
    if (row.revoked_at !== null) throw refused(row.kind === 'link' ? 'the link was used already' : 'it was revoked');
    if (row.expires_at <= now) throw refused('it has expired');
    return row;
  }

  #byId(id: string): Row | undefined {
    return this.#store.all<Row>('SELECT * FROM credentials WHERE id = ?', id)[0];
  }

  #listing(id: string): TokenListing {
    return listing(this.#byId(id)!);
  }

  #forgetOld(now: number): void {
    this.#store.run(`DELETE FROM credentials WHERE (kind <> 'token' AND expires_at < ?) OR expires_at < ?`, now, now - KEPT_AFTER_END_MS);
  }
}

function isValid(row: Row | undefined, now: number): row is Row {
  return row !== undefined && row.revoked_at === null && row.expires_at > now;
}

function refused(reason: string): SluiceError {
  return new SluiceError('SIGN_IN_NEEDED', { reason });
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function listing(row: Row): TokenListing {
  return { id: row.id, name: row.name, role: row.role, createdAt: row.created_at, expiresAt: row.expires_at, lastUsedAt: row.last_used_at, revokedAt: row.revoked_at };
}
