/** Answers to what is no HTTP request, or one whose head is too large or too slow: no route sees those, so the answer is written to the socket itself. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { hasSystemCode, SluiceError } from '../../errors/sluice-error.ts';
import { problemHeaders, problemOf } from './problem.ts';
import { API_HEADERS } from './security-headers.ts';

export interface HeadLimits {
  readonly bytes: number;
  readonly milliseconds: number;
}

export function refuseRequest(thrown: Error, socket: Socket, limits: HeadLimits): void {
  if (hasSystemCode(thrown, 'ECONNRESET') || !socket.writable) {
    socket.destroy();
    return;
  }
  const error = refusal(thrown, limits);
  const body = Buffer.from(JSON.stringify(problemOf(error)));
  const headers = { ...API_HEADERS, ...problemHeaders(error), 'content-length': String(body.length), connection: 'close' };
  const head = [`HTTP/1.1 ${error.httpStatus} ${STATUS_CODES[error.httpStatus]}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');
  socket.end(Buffer.concat([Buffer.from(head, 'latin1'), body]), () => socket.destroy());
}

function refusal(thrown: Error, limits: HeadLimits): SluiceError {
  if (hasSystemCode(thrown, 'HPE_HEADER_OVERFLOW')) return new SluiceError('REQUEST_HEAD_TOO_LARGE', { limit: limits.bytes }, {}, thrown);
  if (hasSystemCode(thrown, 'ERR_HTTP_REQUEST_TIMEOUT')) return new SluiceError('REQUEST_STALLED', { seconds: limits.milliseconds / 1000 }, {}, thrown);
  return new SluiceError('REQUEST_INVALID', { what: 'it is not HTTP' }, {}, thrown);
}
