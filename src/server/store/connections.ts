/** The connections that the server knows: the workspace's own database, those of the configuration, and those stored over HTTP. Requests name them; they never carry URLs. */
import type { LoadedConfiguration } from '../../config/configuration.ts';
import { redactText } from '../../config/redact.ts';
import { EMBEDDED, embeddedUrl, resolveConnection } from '../../config/resolve-connection.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ConnectionListing } from '../contracts/connections.ts';
import { databaseKey } from '../runs/connection-budget.ts';
import type { FileAccess } from '../file-access.ts';
import type { Secrets } from './secrets.ts';
import type { ServerStore } from './server-store.ts';

export interface ConnectionsParts {
  readonly store: ServerStore;
  readonly secrets: Secrets;
  readonly configuration: LoadedConfiguration;
  readonly env: NodeJS.ProcessEnv;
  readonly workspace: string;
  readonly files: FileAccess;
}

/** Parameters of a PostgreSQL URL that name files of this machine. */
const FILE_PARAMETERS = ['sslcert', 'sslkey', 'sslrootcert', 'sslcrl', 'passfile', 'servicefile', 'service', 'sslcrldir'];

export class Connections {
  readonly #parts: ConnectionsParts;

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
  }

  list(): ConnectionListing[] {
    const configured = Object.entries(this.#parts.configuration.settings.connections ?? {}).map(([name, url]) => listing(name, url, 'configuration'));
    const stored = this.#parts.store.all<{ name: string; secret: Uint8Array }>('SELECT name, secret FROM connections ORDER BY name').map(({ name, secret }) => listing(name, this.#readable(name, secret), 'stored'));
    return [{ name: EMBEDDED, kind: 'duckdb', url: embeddedUrl(this.#parts.workspace), origin: 'embedded' as const }, ...[...configured, ...stored].toSorted((a, b) => (a.name < b.name ? -1 : 1))];
  }

  /** Its URL with secrets, for connectors only. @throws SluiceError CONNECTION_UNKNOWN, VARIABLE_UNSET, SECRETS_UNREADABLE */
  urlOf(name: string): string {
    const { configuration, env, workspace } = this.#parts;
    if (name === EMBEDDED) return embeddedUrl(workspace);
    const isConfigured = configuration.settings.connections !== undefined && Object.hasOwn(configuration.settings.connections, name);
    if (isConfigured) return resolveConnection(name, { configuration, env, workspace }).url;
    const [row] = this.#parts.store.all<{ secret: Uint8Array }>('SELECT secret FROM connections WHERE name = ?', name);
    if (row === undefined) throw new SluiceError('CONNECTION_UNKNOWN', { name: redactText(name) });
    return this.#parts.secrets.open(row.secret, belongsTo(name));
  }

  /** The first connection to the same database as this URL, whoever the user is. */
  nameOf(url: string): string | undefined {
    const wanted = databaseKey(url);
    return this.list().map(({ name }) => name).find((name) => {
      try {
        return databaseKey(this.urlOf(name)) === wanted;
      } catch {
        // One that cannot be used now is none to go to.
        return false;
      }
    });
  }

  /** @throws SluiceError CONNECTION_EXISTS, CONNECTION_UNKNOWN (no URL), PATH_REFUSED, SECRETS_UNREADABLE */
  async add(name: string, url: string): Promise<ConnectionListing> {
    const resolved = await this.checkedUrl(url);
    if (this.list().some((one) => one.name === name)) throw new SluiceError('CONNECTION_EXISTS', { name });
    const changed = this.#parts.store.run('INSERT INTO connections (name, secret, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', name, this.#parts.secrets.seal(resolved, belongsTo(name)), Date.now());
    if (changed === 0) throw new SluiceError('CONNECTION_EXISTS', { name });
    return listing(name, resolved, 'stored');
  }

  /** @throws SluiceError CONNECTION_UNKNOWN when it is not a stored one */
  remove(name: string): void {
    if (this.#parts.store.run('DELETE FROM connections WHERE name = ?', name) === 0) throw new SluiceError('CONNECTION_UNKNOWN', { name });
  }

  /** A URL that came over HTTP: nothing of this machine's environment is put into it, and files that it names are below folders that the server may use. */
  async checkedUrl(text: string): Promise<string> {
    const { url, table } = resolveConnection(text, { configuration: { settings: {}, folder: '/' }, env: {}, workspace: this.#parts.workspace });
    if (table !== undefined) throw new SluiceError('REQUEST_INVALID', { what: 'url must not name a table' });
    const file = /^duckdb:(?:\/\/(?=\/))?(.+)$/i.exec(url)?.[1];
    if (file !== undefined) return url === embeddedUrl(this.#parts.workspace) ? url : `duckdb:${await this.#parts.files.forWriting(file)}`;
    if (!/^postgres(?:ql)?:\/\//i.test(url)) throw new SluiceError('CONNECTION_UNKNOWN', { name: redactText(text) });
    const query = url.includes('?') ? new URLSearchParams(url.slice(url.indexOf('?') + 1)) : new URLSearchParams();
    for (const name of FILE_PARAMETERS) {
      for (const path of query.getAll(name)) if (path !== 'system') await this.#parts.files.forReading(path);
    }
    return url;
  }

  #readable(name: string, secret: Uint8Array): string {
    try {
      return this.#parts.secrets.open(secret, belongsTo(name));
    } catch {
      return '(its key is missing)';
    }
  }
}

function belongsTo(name: string): string {
  return `connection ${name}`;
}

function listing(name: string, url: string, origin: ConnectionListing['origin']): ConnectionListing {
  const kind = /^postgres(?:ql)?:/i.test(url) ? 'postgres' : /^duckdb(?::|$)|\.(?:duckdb|ddb|db)$/i.test(url) ? 'duckdb' : 'unknown';
  return { name, kind, url: redactText(url), origin };
}
