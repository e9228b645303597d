import { getSystemErrorMessage } from 'node:util';
import { hasSystemCode, SluiceError } from '../errors/sluice-error.ts';

/** The operating system's own words for an error, without the path, which the message of the coded error has already. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno, message } = error as NodeJS.ErrnoException;
  if (typeof errno !== 'number') return message;
  return getSystemErrorMessage(errno) ?? message;
}

/** What an error of opening or reading a local path means. */
export function sourceError(error: unknown, path: string): SluiceError {
  if (error instanceof SluiceError) return error;
  if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return new SluiceError('SOURCE_NOT_FOUND', { path }, { file: path }, error);
  if (hasSystemCode(error, 'EISDIR')) return new SluiceError('SOURCE_IS_DIRECTORY', { path }, { file: path }, error);
  return new SluiceError('SOURCE_UNREADABLE', { path, reason: reasonOf(error) }, { file: path }, error);
}

/** What an error of creating, writing or renaming a local path means. */
export function targetError(error: unknown, path: string): SluiceError {
  if (error instanceof SluiceError) return error;
  if (hasSystemCode(error, 'ENOSPC', 'EDQUOT')) return new SluiceError('DISK_FULL', { path }, { file: path }, error);
  if (hasSystemCode(error, 'ENOENT')) return unwritable(path, 'its folder does not exist', error);
  if (hasSystemCode(error, 'EISDIR')) return unwritable(path, 'it is a folder', error);
  return unwritable(path, reasonOf(error), error);
}

export function unwritable(path: string, reason: string, cause?: unknown): SluiceError {
  return new SluiceError('TARGET_UNWRITABLE', { path, reason }, { file: path }, cause);
}

/** What an error of writing to a pipe, socket or terminal means. */
export function outputError(error: unknown, name: string): SluiceError {
  if (error instanceof SluiceError) return error;
  if (hasSystemCode(error, 'EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END', 'ERR_STREAM_PREMATURE_CLOSE')) {
    return new SluiceError('OUTPUT_CLOSED', {}, { file: name }, error);
  }
  return targetError(error, name);
}
