import { readFileSync } from 'node:fs';

/** The version in package.json, which lies beside `src` and `dist` alike. */
export function versionText(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}
