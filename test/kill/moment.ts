/** A durability boundary: just before, or just behind, the nth operation of a kind. */
export interface Moment {
  readonly label: string;
  /** From 1, counted over all connections. */
  readonly nth: number;
  readonly when: 'before' | 'behind';
}

/** The first of each kind, one in the middle, and the last; before and behind. */
export function momentsOf(seen: ReadonlyMap<string, number>): Moment[] {
  return [...seen].flatMap(([label, count]) => [...new Set([1, Math.ceil(count / 2), count])].flatMap((nth) => (
    (['before', 'behind'] as const).map((when): Moment => ({ label, nth, when }))
  )));
}

export function momentText({ label, nth, when }: Moment): string {
  return `${when} ${label} ${nth}`;
}
