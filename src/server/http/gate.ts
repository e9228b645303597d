/**
 * What every request passes before anything of it is read: the address that it was sent to, who it comes from, whether a browser was made to send it by another site, the role, and how
 * often this one asks.
 */
import type { FastifyRequest } from 'fastify';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { Role, RouteContract } from '../contracts/route-contract.ts';
import type { Credentials, Holder } from '../store/credentials.ts';
import { RateLimit } from './rate-limit.ts';

export interface GateOptions {
  readonly credentials: Credentials;
  /** Bound to this machine only: then only its names are taken as a Host, so that no other site's name can be made to lead here. */
  readonly isLoopback: boolean;
  /** The address that browsers know, where a proxy stands before the server. */
  readonly publicUrl: URL | undefined;
  readonly cookieName: () => string;
}

const RANKS: Readonly<Record<Role, number>> = { viewer: 1, operator: 2, admin: 3 };
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

export class Gate {
  readonly #options: GateOptions;
  /** For whoever is signed in. A page that loads asks some twenty times at once. */
  readonly #requests = new RateLimit(300, 50);
  /** Of refused tokens and codes, by address. Guessing is hopeless anyway; whoever has a good one is never kept out by another's bad ones. */
  readonly #refusals = new RateLimit(50, 0.5);
  /** Without a token, by address. */
  readonly #strangers = new RateLimit(100, 20);
  /** Files of the page, by address, which may be the one of a proxy that all people come through. */
  readonly #visitors = new RateLimit(2000, 500);

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** @param isPage a file of the page, which many ask for at once and which costs nothing @throws SluiceError SIGN_IN_NEEDED, ROLE_INSUFFICIENT, ORIGIN_REFUSED, RATE_LIMITED */
  admit(request: FastifyRequest, access: RouteContract['access'], isPage = false): Holder | undefined {
    this.#checkHost(request);
    const isUnsafe = !SAFE_METHODS.has(request.method);
    if (access === 'public') {
      if (!(isPage ? this.#visitors : this.#strangers).take(request.ip)) throw new SluiceError('RATE_LIMITED');
      if (isUnsafe) this.#checkOrigin(request, false);
      return undefined;
    }
    const holder = this.#holderOf(request);
    if (isUnsafe) this.#checkOrigin(request, holder.kind === 'session');
    else if (holder.kind === 'session') checkSite(request);
    if (!this.#requests.take(holder.id)) throw new SluiceError('RATE_LIMITED');
    requireRole(holder, access);
    return holder;
  }

  /** Counts what is refused against the address. @throws SluiceError what `work` throws, RATE_LIMITED */
  guarded<T>(request: FastifyRequest, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.#refusals.take(request.ip) ? error : new SluiceError('RATE_LIMITED', {}, {}, error);
    }
  }

  #holderOf(request: FastifyRequest): Holder {
    const { authorization } = request.headers;
    const { credentials, cookieName } = this.#options;
    const bearer = authorization === undefined ? undefined : /^Bearer +([\w.~+/=-]{1,200}) *$/i.exec(authorization)?.[1];
    const session = authorization === undefined ? cookieOf(request.headers.cookie, cookieName()) : undefined;
    if (bearer !== undefined) return this.guarded(request, () => credentials.holderOf(bearer, 'token'));
    if (session !== undefined) return this.guarded(request, () => credentials.holderOf(session, 'session'));
    throw new SluiceError('SIGN_IN_NEEDED', { reason: authorization === undefined ? 'none was sent' : 'what was sent is none' });
  }

  #checkHost(request: FastifyRequest): void {
    const host = request.headers.host ?? '';
    if (host === '' || host === this.#options.publicUrl?.host) return;
    if (this.#options.isLoopback && !LOOPBACK_NAMES.has(host.replace(/:\d*$/, '').toLowerCase())) {
      throw new SluiceError('ORIGIN_REFUSED', { reason: 'this is not the address of the server' });
    }
  }

  /** @param needed a session rides on a cookie, which a browser sends by itself: then it has to say where the request comes from */
  #checkOrigin(request: FastifyRequest, needed: boolean): void {
    const { origin, host } = request.headers;
    const site = request.headers['sec-fetch-site'];
    if (origin === undefined) {
      if (needed && site !== 'same-origin') throw new SluiceError('ORIGIN_REFUSED', { reason: 'the browser does not say which page sends it' });
      return;
    }
    const isOwn = origin === `http://${host}` || origin === this.#options.publicUrl?.origin;
    if (!isOwn || site === 'cross-site') throw new SluiceError('ORIGIN_REFUSED', { reason: 'a page of another origin sends it' });
  }
}

/** @throws SluiceError ROLE_INSUFFICIENT */
export function requireRole(holder: Holder, needed: Role): void {
  if (RANKS[holder.role] < RANKS[needed]) throw new SluiceError('ROLE_INSUFFICIENT', { needed, role: holder.role });
}

/** Also what only reads costs something. A cookie goes with what other ports of the same host ask for: they are another origin, but the same site. */
function checkSite({ headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw new SluiceError('ORIGIN_REFUSED', { reason: 'a page of another origin asks for it' });
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}
