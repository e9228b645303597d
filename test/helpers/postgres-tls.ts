import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Paths of PEM files made for one server. */
export interface TlsFiles {
  /** The authority that signed both certificates: sslrootcert. */
  readonly ca: string;
  /** For 127.0.0.1 and localhost. */
  readonly serverCert: string;
  readonly serverKey: string;
  /** Its common name is the server's superuser: sslcert and sslkey. */
  readonly clientCert: string;
  readonly clientKey: string;
}

/** An authority, a server certificate and a client certificate, valid for a day, in the folder `tls` of `folder`. */
export async function makeTlsFiles(folder: string, user: string): Promise<TlsFiles> {
  const directory = join(folder, 'tls');
  await mkdir(directory, { mode: 0o700 });
  const path = (name: string): string => join(directory, name);
  const caKey = path('ca.key');
  const ca = path('ca.crt');
  openssl(['req', '-x509', ...newKey(caKey), '-out', ca, '-days', '1', '-subj', '/CN=Sluice test authority']);

  async function certificate(name: string, subject: string, extensions: string): Promise<[cert: string, key: string]> {
    const [cert, key, request, extensionFile] = [path(`${name}.crt`), path(`${name}.key`), path(`${name}.csr`), path(`${name}.ext`)];
    await writeFile(extensionFile, extensions);
    openssl(['req', ...newKey(key), '-out', request, '-subj', `/CN=${subject}`]);
    const signer = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', '1', '-extfile', extensionFile];
    openssl(['x509', '-req', '-in', request, '-out', cert, ...signer]);
    return [cert, key];
  }

  const [serverCert, serverKey] = await certificate('server', 'localhost', 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const [clientCert, clientKey] = await certificate('client', user, 'extendedKeyUsage=clientAuth\n');
  return { ca, serverCert, serverKey, clientCert, clientKey };
}

function newKey(path: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', path];
}

function openssl(args: readonly string[]): void {
  try {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    throw new Error(`openssl ${args[0]} failed; tests of TLS need the openssl command`, { cause: error });
  }
}
