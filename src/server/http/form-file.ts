/** The first file of a form (multipart/form-data) as a stream. What is in the form besides is passed over. Loaded only for forms. */
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { Busboy, type BusboyFileStream } from '@fastify/busboy';
import { SluiceError } from '../../errors/sluice-error.ts';

export interface FormFile {
  readonly stream: Readable;
  readonly name: string | undefined;
  readonly type: string | undefined;
}

/** @throws SluiceError REQUEST_INVALID when there is no file in it, and what reading the body throws */
export function openFormFile(body: Readable, contentType: string, limits: { fields: number; fieldSize: number }): Promise<FormFile> {
  return new Promise((resolve, reject) => {
    let form: Writable;
    try {
      form = new Busboy({ headers: { 'content-type': contentType }, limits: { ...limits, files: 1, parts: limits.fields + 1 } });
    } catch (error) {
      reject(invalid((error as Error).message));
      return;
    }
    let file: PassThrough | undefined;
    const fail = (error: Error): void => {
      const coded = error instanceof SluiceError ? error : invalid(error.message);
      if (file === undefined) reject(coded);
      else file.destroy(coded);
      body.destroy(coded);
    };
    form.on('file', (_field: string, stream: BusboyFileStream, name: string | undefined, _encoding: string, type: string) => {
      // A reader is told of an error when it reads; that nobody reads just now must not end the process.
      const out = new PassThrough().on('error', () => undefined);
      file = out;
      stream.on('error', fail).pipe(out);
      // Whoever reads it no more ends the reading of the whole body.
      out.once('close', () => { if (!out.readableEnded) body.destroy(); });
      resolve({ stream: out, name: name === '' ? undefined : name, type });
    });
    form.on('error', fail);
    form.on('finish', () => { if (file === undefined) reject(invalid('the form has no file')); });
    body.on('error', fail);
    body.pipe(form);
  });
}

function invalid(reason: string): SluiceError {
  return new SluiceError('REQUEST_INVALID', { what: `the form cannot be read: ${reason}` });
}
