/**
 * Exports that have begun and wait for whoever asked for them. A browser that downloads shows no error of its server, so the page has an export begun first, is told of what fails before
 * the first byte, and only then lets the browser fetch it. Each is fetched once, by the same holder; what nobody fetches ends by itself (AnswerStream), so there are never more of them than runs.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { RunOutcome } from '../../jobs/start-run.ts';
import type { AnswerStream } from '../http/answer-stream.ts';

export interface Download {
  readonly run: string;
  readonly answer: AnswerStream;
  readonly outcome: Promise<RunOutcome>;
  /** Nobody wants it any more. */
  readonly stop: () => void;
}

/** An export without a byte has ended before anybody fetches it. */
const KEPT_AFTER_END_MS = 20_000;

export class PreparedDownloads {
  readonly #waiting = new Map<string, { readonly download: Download; readonly holder: string }>();

  keep(download: Download, holder: string): void {
    this.#waiting.set(download.run, { download, holder });
    // oxlint-disable-next-line promise/catch-or-return, promise/always-return -- an outcome never rejects
    void download.outcome.then(() => { setTimeout(() => this.#waiting.delete(download.run), KEPT_AFTER_END_MS).unref(); });
  }

  /** @throws SluiceError DOWNLOAD_UNKNOWN for what was fetched already, is another's, or has ended */
  take(run: string, holder: string): Download {
    const found = this.#waiting.get(run);
    if (found === undefined || found.holder !== holder) throw new SluiceError('DOWNLOAD_UNKNOWN', { run });
    this.#waiting.delete(run);
    return found.download;
  }
}
