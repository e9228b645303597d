import { redactData, redactText } from '../../config/redact.ts';
import { hasSystemCode, SluiceError, toSluiceError } from '../../errors/sluice-error.ts';
import type { Receipt } from '../../jobs/receipt.ts';
import type { Problem } from '../contracts/common.ts';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Until a client should ask again, for errors that go away. */
const RETRY_SECONDS = 5;

/** An error as the body of an answer; no secret is in it. @param receipt of the run that failed */
export function problemOf(error: SluiceError, receipt?: Receipt): Problem {
  return {
    type: `urn:sluice:error:${error.code}`,
    title: error.code.replaceAll('_', ' ').toLowerCase(),
    status: error.httpStatus,
    detail: redactText(error.message),
    code: error.code,
    hint: error.hint,
    at: redactData(error.at) as Problem['at'],
    retryable: error.retryable,
    ...(receipt === undefined ? {} : { receipt }),
  };
}

export function problemHeaders(error: SluiceError): Record<string, string> {
  return {
    'content-type': PROBLEM_TYPE,
    ...(error.httpStatus === 401 ? { 'www-authenticate': 'Bearer realm="sluice"' } : {}),
    ...(error.httpStatus === 429 || error.httpStatus === 503 ? { 'retry-after': String(RETRY_SECONDS) } : {}),
  };
}

/** What the web framework and Node throw, in our codes. */
export function requestError(thrown: unknown, bodyLimit: number): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const { code, statusCode, message } = thrown as { code?: string; statusCode?: number; message?: string };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new SluiceError('REQUEST_TOO_LARGE', { limit: bodyLimit }, {}, thrown);
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new SluiceError('MEDIA_TYPE_UNSUPPORTED', { type: 'this kind' }, {}, thrown);
  if (hasSystemCode(thrown, 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE')) return new SluiceError('UPLOAD_CUT_OFF', { bytes: 0 }, {}, thrown);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new SluiceError('REQUEST_INVALID', { what: message ?? 'it cannot be read' }, {}, thrown);
  return toSluiceError(thrown);
}
