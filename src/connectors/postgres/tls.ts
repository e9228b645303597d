/** sslmode and its files, as libpq understands them, in Node's terms. */
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { getCACertificates, type ConnectionOptions, type SecureVersion } from 'node:tls';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ConnectionTarget } from './connection-target.ts';

/** @throws SluiceError CONNECT_TLS when a named file is missing or too open */
export async function tlsOptions(target: ConnectionTarget): Promise<ConnectionOptions> {
  const { tlsFiles: files, sslMode, host } = target;
  const roots = await rootCertificates(target);
  // As libpq: `require` verifies the chain where a root certificate is there, and only then.
  const verify = sslMode === 'verify-ca' || sslMode === 'verify-full' || (sslMode === 'require' && roots !== undefined);
  const [cert, key] = await clientCertificate(target);
  return {
    host,
    // SNI must not carry an address (RFC 6066); the identity is then checked against `host`.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(target.sslDirect ? { ALPNProtocols: ['postgresql'] } : {}),
    rejectUnauthorized: verify,
    ...(sslMode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(roots === undefined ? {} : { ca: roots }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(files.keyPassword === undefined ? {} : { passphrase: files.keyPassword }),
    ...(files.crl === undefined ? {} : { crl: await readNamed(files.crl, target) }),
    minVersion: (files.minVersion ?? 'TLSv1.2') as SecureVersion,
    ...(files.maxVersion === undefined ? {} : { maxVersion: files.maxVersion as SecureVersion }),
  };
}

async function rootCertificates(target: ConnectionTarget): Promise<string | string[] | undefined> {
  const { rootCert, folder } = target.tlsFiles;
  const mustVerify = target.sslMode === 'verify-ca' || target.sslMode === 'verify-full';
  if (rootCert === 'system') {
    const system = getCACertificates('system');
    return system.length > 0 ? system : getCACertificates('default');
  }
  const path = rootCert ?? join(folder, 'root.crt');
  if (existsSync(path)) return readNamed(path, target);
  if (!mustVerify) return undefined;
  throw refused(target, `the root certificate file ${path} does not exist; name it with sslrootcert, or use sslrootcert=system`);
}

async function clientCertificate(target: ConnectionTarget): Promise<[cert?: string, key?: string]> {
  const { cert, key, folder } = target.tlsFiles;
  const certPath = cert ?? join(folder, 'postgresql.crt');
  if (cert === undefined && !existsSync(certPath)) return [];
  const keyPath = key ?? join(folder, 'postgresql.key');
  const info = await stat(keyPath).catch((error: unknown) => {
    throw refused(target, `the certificate ${certPath} is there, but not its private key ${keyPath}`, error);
  });
  const forbidden = info.uid === 0 ? 0o027 : 0o077;
  if (process.platform !== 'win32' && (info.mode & forbidden) !== 0) {
    throw refused(target, `the private key ${keyPath} can be read by others (chmod 600 it)`);
  }
  return [await readNamed(certPath, target), await readNamed(keyPath, target)];
}

async function readNamed(path: string, target: ConnectionTarget): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw refused(target, `cannot read ${path}`, error);
  });
}

function refused(target: ConnectionTarget, reason: string, cause?: unknown): SluiceError {
  return new SluiceError('CONNECT_TLS', { address: target.address, reason }, {}, cause);
}
