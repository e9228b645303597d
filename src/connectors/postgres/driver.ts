/**
 * One session with a server: pg's Client over our own wire. Values come and go as the server's text, never as JavaScript values. Every error
 * that leaves is coded; an abort cancels what the server does, from a second connection.
 */
import { Client, type QueryResult, type Submittable } from 'pg';
import { SluiceError } from '../../errors/sluice-error.ts';
import { cancellationOf, linkCancellation } from '../../io/cancellation.ts';
import type { ConnectionTarget } from './connection-target.ts';
import { CopyBuffers } from './copy-buffers.ts';
import { codedError, hasSqlState, type ErrorSubject } from './errors.ts';
import { quoteLiteral } from './sql.ts';
import { refuseSharedServers } from './pooler.ts';
import { openSocket, type TlsWish } from './socket.ts';
import { Wire } from './wire.ts';

const OLDEST_VERSION = 140_000;

/** How long a server may take to react to a cancel request before its socket is closed. */
const PATIENCE_MS = 1500;
const COPY_FAIL_PATIENCE_MS = 300;

const GATHER_BYTES = 128 * 1024;

/**
 * What every session has, whatever the user's or the database's defaults are. `row_security` off makes the server refuse where it would
 * leave rows out. A setting that this server's version does not know is left out.
 */
export const PINNED_SETTINGS: Readonly<Record<string, string>> = {
  client_encoding: 'UTF8', DateStyle: 'ISO', IntervalStyle: 'postgres', extra_float_digits: '3', bytea_output: 'hex', xmloption: 'content',
  standard_conforming_strings: 'on', synchronize_seqscans: 'off', row_security: 'off', client_min_messages: 'warning',
  statement_timeout: '0', lock_timeout: '0', idle_in_transaction_session_timeout: '0', idle_session_timeout: '0', transaction_timeout: '0',
};

export type Row = readonly (string | null)[];

export interface Rows {
  readonly rows: readonly Row[];
  /** Of the command tag. */
  readonly count: number;
}

export interface QueryOptions extends Partial<ErrorSubject> {
  readonly signal?: AbortSignal;
  /** Texts for $1, $2 …, or bytes in the binary form of their types; the statement then goes through the extended protocol. */
  readonly values?: readonly (string | Uint8Array)[];
}

export class Session {
  readonly target: ConnectionTarget;
  readonly wire: Wire;
  /** As the server says: 150008. */
  version = 0;
  versionText = '';
  /** False when its state is unknown: close it, do not use it again. */
  usable = true;
  readonly #client: Client;
  #farewell: Error | undefined;
  #running = 0;
  #closed: Promise<void> | undefined;
  #copyBuffers: CopyBuffers | undefined;
  #gatherBuffer: Uint8Array | undefined;

  private constructor(target: ConnectionTarget, wire: Wire, client: Client) {
    this.target = target;
    this.wire = wire;
    this.#client = client;
    client.on('error', (error) => {
      this.usable = false;
      // Why a server ends a session that waits comes before the end of the connection, and to no statement.
      this.#farewell ??= error;
    });
    client.on('end', () => (this.usable = false));
  }

  /** @throws SluiceError CONNECT_*, AUTH_FAILED, DATABASE_UNKNOWN, TOO_MANY_CONNECTIONS, SERVER_UNSUPPORTED, CANCELLED */
  static async open(target: ConnectionTarget, signal: AbortSignal): Promise<Session> {
    const wishes = tlsWishes(target);
    for (const [i, wish] of wishes.entries()) {
      try {
        return await openOnce(target, wish, signal, (wire, client) => new Session(target, wire, client));
      } catch (error) {
        // pg_hba.conf may have rules for one of both only; a failed handshake is a reason for `prefer` to go on without.
        const tryOther = hasSqlState(error, '28000') || (error instanceof SluiceError && error.code === 'CONNECT_TLS');
        if (i + 1 < wishes.length && tryOther && !signal.aborted) continue;
        throw signal.aborted ? cancellationOf(signal) : codedError(error, target, { connecting: true });
      }
    }
    throw new SluiceError('INTERNAL', { reason: 'no way to connect was tried' });
  }

  /**
   * Settings, version, language: one round trip each for the first two.
   * @param openOther another connection like this one, without settings; used only where a pooler is in between
   */
  async prepare(openOther: () => Promise<Client>): Promise<void> {
    const { rows } = await this.query(`SELECT pg_catalog.current_setting('server_version_num'), pg_catalog.current_setting('server_version'), pg_catalog.current_setting('lc_messages'), pg_catalog.pg_backend_pid()`);
    const [number, text, language, process] = rows[0];
    this.version = Number(number);
    this.versionText = text ?? '';
    if (!(this.version >= OLDEST_VERSION)) {
      throw new SluiceError('SERVER_UNSUPPORTED', { connection: this.target.name, version: this.versionText, supported: 'PostgreSQL 14 or newer' });
    }
    // Who answers is not who took the connection.
    if (Number(process) !== (this.#client as unknown as { processID: number }).processID) await refuseSharedServers(this, process!, openOther);
    await this.query(settingsSql(PINNED_SETTINGS, false));
    // Messages in English where we may; what we need of them is found in other languages too (copy-context.ts).
    if (!/^(?:c|posix|en)\b/i.test((language ?? '').replace('_', ' '))) await this.query(`SET lc_messages TO 'C'`).catch(() => undefined);
  }

  /** Made when a COPY out first needs them. */
  get copyBuffers(): CopyBuffers {
    this.#copyBuffers ??= new CopyBuffers(() => this.wire.resume());
    return this.#copyBuffers;
  }

  /** Made when a COPY in first has small chunks. */
  get gatherBuffer(): Uint8Array {
    this.#gatherBuffer ??= new Uint8Array(GATHER_BYTES);
    return this.#gatherBuffer;
  }

  async query(sql: string, options: QueryOptions = {}): Promise<Rows> {
    const { signal } = options;
    if (signal?.aborted === true) throw cancellationOf(signal);
    const answer = this.#run(this.#client.query<string[]>({ text: sql, rowMode: 'array', ...(options.values === undefined ? {} : { values: [...options.values] }) }));
    const abort = (): void => void this.#cancelAndSettle(answer);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const result = await answer;
      // Several statements in one text: the last one's.
      const last: QueryResult<string[]> = Array.isArray(result) ? (result as QueryResult<string[]>[]).at(-1)! : result;
      return { rows: last.rows, count: last.rowCount ?? 0 };
    } catch (error) {
      // Asked through a function: the compiler does not know that waiting may change it.
      if (isAborted(signal)) throw cancellationOf(signal);
      throw this.translate(error, options);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** A statement with its own protocol; it is told everything through its handlers. */
  submit(statement: Submittable & { readonly finished: Promise<unknown> }): void {
    void this.#run(statement.finished).catch(() => undefined);
    this.#client.query(statement);
  }

  translate(error: unknown, subject: Partial<ErrorSubject> = {}): SluiceError {
    const isLost = !hasSqlState(error) && hasSqlState(this.#farewell);
    return codedError(isLost ? this.#farewell : error, this.target, subject);
  }

  cancellation(signal: AbortSignal): SluiceError {
    return cancellationOf(signal);
  }

  /** Asks the server to cancel what this session does. Resolves when the server has taken the request; never rejects. */
  async cancel(): Promise<void> {
    const { processID, secretKey } = this.#client as unknown as { processID: number; secretKey: number };
    const request = Buffer.alloc(16);
    [16, 80_877_102, processID, secretKey].forEach((word, i) => request.writeInt32BE(word, i * 4));
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new Error('no answer to the cancel request')), PATIENCE_MS);
    try {
      const { socket } = await openSocket(this.target, this.wire.encrypted ? 'must' : 'no', limit.signal);
      await new Promise<void>((resolve) => {
        limit.signal.addEventListener('abort', () => resolve(), { once: true });
        socket.once('close', () => resolve()).on('error', () => resolve());
        socket.resume();
        socket.end(request);
      });
      socket.destroy();
    } catch {
      // A server that takes no connection now: the caller closes the session's own socket.
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends a statement that nobody wants any more. The session is not usable afterwards: the request may hit whatever runs by then. */
  async breakOff(ended: Promise<unknown>): Promise<void> {
    this.usable = false;
    await this.#cancelAndSettle(ended);
  }

  /** Waits for a statement that was told to fail; cancels it when it does not react. */
  async settleOrBreak(finished: Promise<unknown>): Promise<void> {
    if (!(await settlesWithin(finished, COPY_FAIL_PATIENCE_MS))) await this.breakOff(finished);
  }

  /** Ends the session; what still runs is cancelled. Safe to call twice; never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.usable = false;
    if (this.#running > 0 && !this.wire.destroyed) await this.cancel();
    const ended = this.#client.end().catch(() => undefined);
    if (!(await settlesWithin(ended, PATIENCE_MS))) this.wire.destroy();
  }

  async #cancelAndSettle(ended: Promise<unknown>): Promise<void> {
    this.usable = false;
    await this.cancel();
    if (!(await settlesWithin(ended, PATIENCE_MS))) this.wire.destroy();
  }

  async #run<T>(work: Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await work;
    } finally {
      this.#running--;
    }
  }
}

/** A statement that gives the session these settings: until its end, or (`local`) until the transaction's. */
export function settingsSql(settings: Readonly<Record<string, string>>, local: boolean): string {
  const values = Object.entries(settings).map(([name, value]) => `(${quoteLiteral(name)}, ${quoteLiteral(value)})`);
  return `SELECT pg_catalog.set_config(pinned.name, pinned.value, ${local}) FROM (VALUES ${values.join(', ')}) AS pinned(name, value) ` +
    'WHERE pg_catalog.current_setting(pinned.name, true) IS NOT NULL';
}

/** The ways to connect that sslmode allows, in its order. */
function tlsWishes(target: ConnectionTarget): readonly TlsWish[] {
  if (target.host.startsWith('/') || target.sslMode === 'disable') return ['no'];
  if (target.sslMode === 'allow') return ['no', 'must'];
  return target.sslMode === 'prefer' ? ['if-offered', 'no'] : ['must'];
}

async function openOnce(target: ConnectionTarget, wish: TlsWish, signal: AbortSignal, make: (wire: Wire, client: Client) => Session): Promise<Session> {
  const limit = new AbortController();
  const unlink = linkCancellation(signal, limit);
  const late = (): void => limit.abort(new SluiceError('CONNECT_TIMEOUT', { address: target.address, seconds: target.timeoutSeconds }));
  const timer = target.timeoutSeconds === 0 ? undefined : setTimeout(late, target.timeoutSeconds * 1000);
  let session: Session | undefined;
  const stop = (): void => session?.wire.destroy(limit.signal.reason as Error);
  limit.signal.addEventListener('abort', stop, { once: true });
  try {
    const wire = new Wire(await openSocket(target, wish, limit.signal));
    const client = new Client(clientConfig(target, wire));
    session = make(wire, client);
    await client.connect();
    await session.prepare(async () => {
      const other = new Client(clientConfig(target, new Wire(await openSocket(target, wish, limit.signal))));
      other.on('error', () => undefined);
      await other.connect();
      return other;
    });
    return session;
  } catch (error) {
    session?.wire.destroy();
    if (limit.signal.aborted) throw limit.signal.reason;
    throw error;
  } finally {
    clearTimeout(timer);
    unlink();
    limit.signal.removeEventListener('abort', stop);
  }
}

function clientConfig(target: ConnectionTarget, wire: Wire): ConstructorParameters<typeof Client>[0] {
  const { user, database, host, port, applicationName, options, password, passwordNote } = target;
  return {
    user, database, host, port, ssl: false, application_name: applicationName, ...(options === undefined ? {} : { options }),
    // A function, so that pg looks neither into its environment nor into password files by itself.
    password: (): string => {
      if (password !== undefined) return password;
      const reason = ['it asks for a password and none was given', ...(passwordNote === undefined ? [] : [passwordNote])].join('; ');
      throw new SluiceError('AUTH_FAILED', { address: target.address, user, reason });
    },
    types: { getTypeParser: () => (text: unknown) => text },
    stream: (() => wire) as unknown as NonNullable<NonNullable<ConstructorParameters<typeof Client>[0]> & object>['stream'],
  } as ConstructorParameters<typeof Client>[0];
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

async function settlesWithin(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), milliseconds)));
  const settled = work.then(() => true as const, () => true as const);
  const result = await Promise.race([settled, timeout]);
  clearTimeout(timer);
  return result;
}
