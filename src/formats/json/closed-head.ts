/**
 * The head of a JSON document (or of JSON lines) as a document of its own: cut behind the last record that is complete, with what is open there closed. For a look at a file whose rest is
 * somewhere else.
 */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

interface Cut {
  readonly end: number;
  readonly closers: readonly number[];
}

/** Undefined when no record is complete: nothing can be said of such a head. */
export function closedHead(head: Uint8Array): Buffer | undefined {
  const open: number[] = [];
  /** Of records by how deep they are: those of the document are less deep than objects within them. */
  const cuts = new Map<number, Cut>();
  let isText = false;
  for (let at = 0; at < head.length; at++) {
    const byte = head[at];
    if (isText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) {
      isText = true;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      open.push(byte);
    } else if (byte === CLOSE_BRACKET) {
      open.pop();
    } else if (byte === CLOSE_BRACE) {
      open.pop();
      if (open.length === 0 || open.at(-1) === OPEN_BRACKET) cuts.set(open.length, { end: at + 1, closers: open.toReversed().map((opened) => (opened === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET)) });
    }
  }
  const cut = cuts.get(Math.min(...cuts.keys()));
  return cut === undefined ? undefined : Buffer.concat([head.subarray(0, cut.end), Uint8Array.from(cut.closers)]);
}
