/** A durability boundary: just before, or just behind, the nth operation of a kind. */
export interface Moment {
  readonly label: string;
  /** From 1, counted over all connections. */
  readonly nth: number;
  readonly when: 'before' | 'behind';
}

/**
 * The first of each kind, one in the middle, and the last. What is made durable only by a later operation (an entry by its COMMIT, a file's content by its name) has no
 * `behind`, and that later one has no `before` of its own: between the two nothing can be told apart.
 */
export function momentsOf(seen: ReadonlyMap<string, number>): Moment[] {
  return [...seen].flatMap(([label, count]) => [...new Set([1, Math.ceil(count / 2), count])].flatMap((nth) => (
    sidesOf(label).map((when): Moment => ({ label, nth, when }))
  )));
}

function sidesOf(label: string): Moment['when'][] {
  if (/^(?:creating|entry|syncing) /.test(label)) return ['before'];
  if (label.startsWith('naming ')) return ['behind'];
  return ['before', 'behind'];
}

/** Where a transaction of the server ends. */
export function isAtCommit({ label }: Moment): boolean {
  return label.startsWith('COMMIT ') || label.startsWith('dropping ');
}

export function momentText({ label, nth, when }: Moment): string {
  return `${when} ${label} ${nth}`;
}
