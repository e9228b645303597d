import { SluiceError } from '../../errors/sluice-error.ts';

/** @param byte of the file, from 0 */
export function damagedArchive(source: string, reason: string, byte?: number, cause?: unknown): SluiceError {
  return new SluiceError('ARCHIVE_DAMAGED', { source, reason }, byte === undefined ? { file: source } : { file: source, byte }, cause);
}

export function unsupportedArchive(source: string, reason: string, remedy: string): SluiceError {
  return new SluiceError('ARCHIVE_UNSUPPORTED', { source, reason, remedy }, { file: source });
}
