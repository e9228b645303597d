import { cp } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { give, type Account } from './postgres-account.ts';

/**
 * Gives Debian's server an extension that its packages do not have. Debian's servers look for extensions below a folder of a setting, too.
 * @param home of the server
 * @param folder which the server can reach
 * @param files the folder with the extension's control file and SQL
 * @returns the setting
 */
export async function addExtension(home: string, folder: string, files: string, account: Account | undefined): Promise<Record<string, string>> {
  const place = join(folder, 'extensions');
  await cp(files, join(place, 'usr/share/postgresql', basename(home), 'extension'), { recursive: true });
  await give(place, account);
  return { extension_destdir: place };
}
