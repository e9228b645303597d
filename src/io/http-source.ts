import type { IncomingMessage } from 'node:http';
import { SluiceError } from '../errors/sluice-error.ts';
import { releasing, type ByteChunks } from './byte-chunks.ts';
import type { ByteSource } from './byte-source.ts';
import { linkCancellation } from './cancellation.ts';
import { decompress } from './decompress.ts';
import { readBody, totalBytesOf, validatorOf } from './http-body.ts';
import { DEFAULT_HTTP_LIMITS, httpFailure, requestFollowing, type HttpAnswer, type HttpLimits, type HttpRequest } from './http-request.ts';
import { extensionOfMediaType, fileNameOfDisposition, fileNameOfUrl, KNOWN_EXTENSIONS, redactUrl, splitName, type NameParts } from './names.ts';
import { SequentialSource } from './sequential-source.ts';

/**
 * `identity` is asked for because then the length is known in advance (progress, and proof that all arrived); files meant to be
 * small on the wire are stored compressed, and are decompressed here.
 */
const HEADERS = { 'User-Agent': 'sluice', Accept: '*/*', 'Accept-Encoding': 'identity' };

/**
 * A document at an http(s) URL, read once, in order. User and password of the URL become an Authorization header.
 * @throws SluiceError HTTP_SOURCE_FAILED, CANCELLED
 */
export async function openHttpSource(location: string, signal: AbortSignal | undefined, limits: HttpLimits = DEFAULT_HTTP_LIMITS): Promise<ByteSource> {
  const name = redactUrl(location);
  if (!URL.canParse(location)) throw new SluiceError('HTTP_SOURCE_FAILED', { url: name, reason: 'it is not a valid URL' }, { file: name });
  // The connection outlives this function, so its signal is one of its own; SequentialSource aborts it.
  const connection = new AbortController();
  const unlink = linkCancellation(signal, connection);
  const request: HttpRequest = { url: new URL(location), headers: HEADERS, limits, signal: connection.signal };
  try {
    const answer = await requestFollowing(request);
    const { response } = answer;
    refuseFailure(request.url, response);
    const layers = encodingLayers(request.url, response);
    const open = (stop: AbortSignal): ByteChunks => readDecoded(answer, request, { stop, connection, layers });
    const totalBytes = totalBytesOf(response);
    const storedBytes = layers.length === 0 ? totalBytes : undefined;
    const parts = partsOf(answer, request.url);
    return await SequentialSource.open({ name, parts, storedBytes, fingerprint: validatorOf(response, totalBytes), open }, signal);
  } catch (error) {
    connection.abort();
    throw error;
  } finally {
    unlink();
  }
}

function readDecoded(answer: HttpAnswer, request: HttpRequest, how: { stop: AbortSignal; connection: AbortController; layers: readonly ('gzip' | 'zstd')[] }): ByteChunks {
  const unlink = linkCancellation(how.stop, how.connection);
  let chunks = readBody(answer, request);
  for (const layer of how.layers) chunks = decompress(chunks, layer, redactUrl(request.url));
  return releasing(chunks, how.connection.signal, () => {
    unlink();
    how.connection.abort();
  });
}

function refuseFailure(url: URL, response: IncomingMessage): void {
  const { statusCode = 0, statusMessage = '' } = response;
  if (statusCode === 200 || statusCode === 203 || statusCode === 204) return;
  response.destroy();
  throw httpFailure(url, `the server answered ${statusCode} ${statusMessage}`.trimEnd());
}

/** Content-Encoding is a layer around the file, which may itself be compressed; the outermost comes last in the header. */
function encodingLayers(url: URL, response: IncomingMessage): ('gzip' | 'zstd')[] {
  const layers: ('gzip' | 'zstd')[] = [];
  for (const token of (response.headers['content-encoding'] ?? '').toLowerCase().split(',').toReversed()) {
    const encoding = token.trim();
    if (encoding === 'gzip' || encoding === 'x-gzip') layers.push('gzip');
    else if (encoding === 'zstd') layers.push('zstd');
    else if (encoding !== '' && encoding !== 'identity') throw httpFailure(url, `the server sends it in the encoding ${encoding}, which was not asked for`);
  }
  return layers;
}

/**
 * The name that the server gives the document, else the one in the URL that was asked for, else the one it was redirected to: the
 * first with a known ending. Where there is none, the media type stands in for the ending.
 */
function partsOf(answer: HttpAnswer, asked: URL): NameParts {
  const names = [fileNameOfDisposition(answer.response.headers['content-disposition']), fileNameOfUrl(asked), fileNameOfUrl(answer.url)];
  const candidates = names.filter((name) => name !== undefined && name !== '').map((name) => splitName(name!));
  const parts = candidates.find(({ extension }) => KNOWN_EXTENSIONS.includes(extension)) ?? candidates[0] ?? { stem: 'download', extension: '', compression: 'none' };
  const ofType = extensionOfMediaType(answer.response.headers['content-type']);
  return KNOWN_EXTENSIONS.includes(parts.extension) || ofType === '' ? parts : { ...parts, extension: ofType };
}
