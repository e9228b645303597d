/** What an archive's definitions expect of the session in which they run: entries that pg_restore does not restore but sets before all others. */
import { damagedArchive } from './archive-errors.ts';
import type { DumpArchive } from './dump-archive.ts';

export interface ArchiveSettings {
  /** Of data. Names and SQL are strings here, which are sent in UTF8. */
  readonly encoding: string;
  /** false: strings in definitions are written for a session with standard_conforming_strings off. Those of data are not concerned. */
  readonly standardConformingStrings: boolean;
  /** The statement that sets it, `SELECT pg_catalog.set_config('search_path', '', false);`. Undefined in archives before 2018: there the schema of each entry must be first in it, then pg_catalog. */
  readonly searchPath: string | undefined;
}

/** @throws SluiceError ARCHIVE_DAMAGED */
export async function settingsOf(archive: DumpArchive): Promise<ArchiveSettings> {
  const definitionOf = async (description: string): Promise<string | undefined> => {
    const entry = archive.entries.find((candidate) => candidate.description === description);
    return entry === undefined ? undefined : (await archive.statements(entry)).definition.trim();
  };
  const strings = await definitionOf('STDSTRINGS');
  const value = strings === undefined ? 'off' : /^SET standard_conforming_strings = '(on|off)';$/.exec(strings)?.[1];
  if (value === undefined) throw damagedArchive(archive.source, 'its entry STDSTRINGS says neither on nor off');
  return { encoding: archive.encoding, standardConformingStrings: value === 'on', searchPath: await definitionOf('SEARCHPATH') };
}
