/**
 * A plain, slow CSV reader on strings, written only from RFC 4180 and independent of src/: what Sluice wrote and what it read are compared
 * through it. Quotes inside an unquoted field are literal.
 */
export function parseCsv(text: string, delimiter = ',', quoting = true): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = text.startsWith('\ufeff') ? 1 : 0;
  while (at < text.length) {
    let field = '';
    if (quoting && text[at] === '"') {
      for (at++; ; at++) {
        if (at >= text.length) throw new Error('a quote is not closed');
        if (text[at] !== '"') field += text[at];
        else if (text[at + 1] === '"') field += text[at++];
        else break;
      }
      at++;
    } else {
      const start = at;
      while (at < text.length && text[at] !== delimiter && text[at] !== '\n' && text[at] !== '\r') at++;
      field = text.slice(start, at);
    }
    row.push(field);
    if (text[at] === delimiter) {
      at++;
      if (at < text.length && text[at] !== '\n' && text[at] !== '\r') continue;
      row.push('');
    }
    if (text[at] === '\r' && text[at + 1] === '\n') at++;
    at++;
    // A blank line is no record, but in a table of one column, where it cannot be told from one, it is left out as well.
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}
