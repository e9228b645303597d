/**
 * The built page (dist/web): its document and its assets, by the names that are there when the server starts. A request can name nothing else, so that there is no path to climb out of. Each
 * is read and compressed when it is first asked for, and kept: together they are less than 1 MB.
 */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { gzip } from 'node:zlib';

export interface PageFile {
  readonly mediaType: string;
  readonly plain: Buffer;
  readonly gzipped: Buffer | undefined;
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml', woff2: 'font/woff2',
};
/** Also from src/, where tests run: the page is always in dist/. */
const BUILT = fileURLToPath(new URL('../../../dist/web/', import.meta.url));
const COMPRESSED_ALREADY: ReadonlySet<string> = new Set(['woff2']);

export class PageFiles {
  readonly #folder: string;
  readonly #assets: ReadonlySet<string>;
  readonly #kept = new Map<string, Promise<PageFile>>();

  constructor(folder: string = BUILT) {
    this.#folder = folder;
    this.#assets = new Set(namesIn(`${folder}/assets`).filter((name) => endingOf(name) in MEDIA_TYPES));
  }

  /** Undefined when the page was not built. */
  document(): Promise<PageFile> | undefined {
    return namesIn(this.#folder).includes('index.html') ? this.#read('index.html') : undefined;
  }

  asset(name: string): Promise<PageFile> | undefined {
    return this.#assets.has(name) ? this.#read(`assets/${name}`) : undefined;
  }

  #read(path: string): Promise<PageFile> {
    let file = this.#kept.get(path);
    if (file === undefined) {
      file = readPageFile(this.#folder, path);
      this.#kept.set(path, file);
      file.catch(() => this.#kept.delete(path));
    }
    return file;
  }
}

async function readPageFile(folder: string, path: string): Promise<PageFile> {
  const plain = await readFile(`${folder}/${path}`);
  const ending = endingOf(path);
  return { mediaType: MEDIA_TYPES[ending], plain, gzipped: COMPRESSED_ALREADY.has(ending) ? undefined : await promisify(gzip)(plain, { level: 9 }) };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function endingOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
