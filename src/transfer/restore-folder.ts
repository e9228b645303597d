/**
 * Which files a restore takes. A folder with files of tables is the backup itself. A folder of folders is a shelf of backups: the newest
 * complete one is taken, by the date in its name; where no name has a date, by the times of its files, if these leave no doubt.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../errors/sluice-error.ts';
import { IMPORTABLE_ENDINGS } from '../formats/registry.ts';
import { isHidden, isUrl, splitName } from '../io/names.ts';
import { latest, timeInName, type TimeSpan } from './restore-dates.ts';

export interface ChosenBackup {
  /** What openSources takes. */
  readonly sources: readonly string[];
  readonly notes: readonly string[];
}

interface Folder {
  readonly path: string;
  readonly name: string;
  /** Names of files with a known ending, manifests included, by code unit. */
  readonly files: readonly string[];
  readonly others: readonly string[];
  readonly folders: readonly string[];
}

const MAX_LISTED = 10;

/** @throws SluiceError NO_FILES, BACKUP_AMBIGUOUS, BACKUP_UNKNOWN, USAGE */
export async function chooseBackup(source: string, pick: string | undefined): Promise<ChosenBackup> {
  const isFolder = !isUrl(source) && source !== '-' && (await stat(source).catch(() => undefined))?.isDirectory() === true;
  if (!isFolder) {
    if (pick !== undefined) throw new SluiceError('USAGE', { what: `--pick chooses among the backups of a folder, and ${source} is no folder` });
    return { sources: [source], notes: [] };
  }
  const folder = await look(source);
  if (pick !== undefined) return picked(folder, pick);
  if (folder.files.some((name) => !isManifestName(name))) return taken(folder, []);
  const children = await Promise.all(folder.folders.map((name) => look(join(source, name))));
  const candidates = children.filter((child) => child.files.length > 0);
  if (candidates.length === 0) throw new SluiceError('NO_FILES', { path: source }, { file: source });
  return newestOf(folder, candidates);
}

/** Names of files that describe a backup: left out when they hold no records. */
export function isManifestName(file: string): boolean {
  const stem = splitName(file).stem.toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/_+$/, '');
  return /^_|^(?:backup_?|dump_?|export_?)?(?:manifest|meta|metadata|info|checksums?|summary|readme|version|stats|schema|index)$/.test(stem);
}

async function look(path: string): Promise<Folder> {
  const entries = (await readdir(path)).toSorted();
  const kinds = await Promise.all(entries.map(async (name) => ({ name, found: await stat(join(path, name)).catch(() => undefined) })));
  const visible = kinds.filter(({ name }) => !isHidden(name));
  const isTable = (name: string): boolean => IMPORTABLE_ENDINGS.includes(splitName(name).extension);
  const files = visible.filter(({ found }) => found?.isDirectory() !== true).map(({ name }) => name);
  return {
    path, name: path.replace(/\/+$/, '').split('/').at(-1)!,
    files: files.filter(isTable), others: files.filter((name) => !isTable(name)),
    folders: visible.filter(({ found }) => found?.isDirectory() === true).map(({ name }) => name),
  };
}

function taken(folder: Folder, notes: readonly string[]): ChosenBackup {
  const others = folder.others.map((name) => `left out: ${name} (not a known format)`);
  return { sources: folder.files.map((name) => join(folder.path, name)), notes: [...notes, ...others] };
}

async function picked(parent: Folder, pick: string): Promise<ChosenBackup> {
  const name = pick.replace(/\/+$/, '');
  const candidates = list([...parent.folders, ...parent.files]);
  if (parent.files.includes(name)) return { sources: [join(parent.path, name)], notes: [`backup: ${name} (said with --pick)`] };
  if (!parent.folders.includes(name)) throw new SluiceError('BACKUP_UNKNOWN', { backup: pick, path: parent.path, candidates }, { file: parent.path });
  const folder = await look(join(parent.path, name));
  if (folder.files.length === 0) throw new SluiceError('NO_FILES', { path: folder.path }, { file: folder.path });
  return taken(folder, [`backup: ${name} (said with --pick)`]);
}

async function newestOf(parent: Folder, candidates: readonly Folder[]): Promise<ChosenBackup> {
  const notes: string[] = [];
  const dated = candidates.filter(({ name }) => timeInName(name) !== undefined);
  const spans = new Map<Folder, TimeSpan>();
  for (const folder of dated.length > 0 ? dated : candidates) spans.set(folder, timeInName(folder.name) ?? (await timeOfFiles(folder)));
  let rest = [...spans.keys()];
  while (rest.length > 0) {
    const newest = latest(rest, (folder) => spans.get(folder)!);
    if (newest === undefined) throw new SluiceError('BACKUP_AMBIGUOUS', { path: parent.path, candidates: list(rest.map(({ name }) => name)) }, { file: parent.path });
    const unfinished = await whyUnfinished(newest);
    if (unfinished === undefined) {
      const by = dated.length > 0 ? 'by the date in its name' : 'by the times of its files';
      const among = spans.size === 1 ? 'the only one' : `the newest of ${spans.size}, ${by}`;
      return taken(newest, [...notes, `backup: ${newest.name} (${among})`]);
    }
    notes.push(`passed over: ${newest.name} is not complete (${unfinished})`);
    rest = rest.filter((folder) => folder !== newest);
  }
  throw new SluiceError('NO_FILES', { path: `${parent.path} (${notes.join('; ')})` }, { file: parent.path });
}

/** From the first file that was written to the last: copies of folders, written at once, overlap and are told apart by nobody. */
async function timeOfFiles(folder: Folder): Promise<TimeSpan> {
  const times = await Promise.all(folder.files.map(async (name) => (await stat(join(folder.path, name))).mtimeMs));
  return { start: Math.min(...times), end: Math.max(...times) + 1 };
}

const UNFINISHED = /\.(?:tmp|temp|part|partial|incomplete|crdownload|lock)$|^(?:incomplete|in[-_ ]?progress|_temporary)$/i;

/** What shows that its writer did not come to the end; undefined when nothing does. */
async function whyUnfinished(folder: Folder): Promise<string | undefined> {
  if (UNFINISHED.test(folder.name)) return 'its name says so';
  // A writer's marker may be hidden.
  const leftover = (await readdir(folder.path)).find((name) => UNFINISHED.test(name.replace(/^\./, '')) || UNFINISHED.test(name));
  if (leftover !== undefined) return `it has ${leftover}`;
  if (folder.files.every(isManifestName)) return 'it has no table';
  for (const name of folder.files) {
    // Lines without a line are an empty table; no other format is ever empty.
    const isLines = ['ndjson', 'jsonl'].includes(splitName(name).extension);
    if (!isLines && (await stat(join(folder.path, name))).size === 0) return `${name} is empty`;
  }
  return missingFile(folder);
}

const MANIFEST_LIMIT = 4 * 1024 * 1024;

/** A manifest that lists files is believed; one that cannot be understood says nothing. */
async function missingFile(folder: Folder): Promise<string | undefined> {
  const present = new Set([...folder.files, ...folder.others, ...folder.folders]);
  for (const name of folder.files.filter((file) => isManifestName(file) && file.toLowerCase().endsWith('.json'))) {
    const path = join(folder.path, name);
    if ((await stat(path)).size > MANIFEST_LIMIT) continue;
    const listed = filesListedIn(await readFile(path, 'utf8'));
    const absent = listed.find((file) => !present.has(file.replace(/^\.\//, '').split('/')[0]));
    if (absent !== undefined) return `${name} lists ${absent}, which is not there`;
  }
  return undefined;
}

function filesListedIn(text: string): string[] {
  try {
    const manifest = JSON.parse(text) as { files?: unknown };
    if (!Array.isArray(manifest?.files)) return [];
    return manifest.files.flatMap((entry: unknown) => {
      const named = typeof entry === 'object' && entry !== null ? ((entry as Record<string, unknown>).file ?? (entry as Record<string, unknown>).path ?? (entry as Record<string, unknown>).name) : entry;
      return typeof named === 'string' && IMPORTABLE_ENDINGS.includes(splitName(named).extension) ? [named] : [];
    });
  } catch {
    return [];
  }
}

function list(names: readonly string[]): string {
  return `${names.slice(0, MAX_LISTED).join(', ')}${names.length > MAX_LISTED ? ` and ${names.length - MAX_LISTED} more` : ''}`;
}
