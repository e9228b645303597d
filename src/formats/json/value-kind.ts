/** The kind of the JSON value that begins with this byte, for messages. */
export function describeValue(firstByte: number | undefined): string {
  switch (firstByte) {
    case 0x22: return 'a string';
    case 0x7b: return 'an object';
    case 0x5b: return 'an array';
    case 0x74:
    case 0x66: return 'a boolean';
    case 0x6e: return 'null';
    default: return 'a number';
  }
}
