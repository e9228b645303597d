/**
 * Scrolling over more rows than a browser has pixels for (Chromium ends at 33 million, about a million rows). The scrollbar spans at most MOST_PIXELS and stands for all rows; what is shown
 * (`top`, in pixels of the whole table, exact to the pixel at 100 million rows) moves by its own rules:
 *
 * - a small move of the scrollbar (wheel, touch, keys) moves the rows by just as many pixels, so that one comes past every row;
 * - a large one (the thumb is dragged, Home, End) goes to that share of the table.
 *
 * The two would drift apart, so the scrollbar is put where it belongs when scrolling pauses, and at once when it is about to run out. Nothing here knows of the browser.
 */
const MOST_PIXELS = 6_000_000;
/** Moves up to so many screens are small. */
const SMALL_SCREENS = 4;

export interface ScrollScale {
  /** Pixels of all rows together. */
  readonly whole: number;
  /** Height of what the scrollbar spans. */
  readonly height: number;
  /** Height of the window on it. */
  readonly view: number;
}

export function scaleOf(rows: number, rowHeight: number, view: number): ScrollScale {
  const whole = rows * rowHeight;
  return { whole, height: Math.min(whole, MOST_PIXELS), view };
}

/** The furthest that `top` can be. */
export function furthest({ whole, view }: ScrollScale): number {
  return Math.max(0, whole - view);
}

/** Where the rows are after the scrollbar has moved from one place to another. */
export function topAfter(scale: ScrollScale, top: number, from: number, to: number): number {
  const { whole, height, view } = scale;
  if (whole === height) return to;
  const room = height - view;
  // At its very ends the scrollbar means the ends, unless it got there by a small step.
  if (Math.abs(to - from) > view * SMALL_SCREENS) return to >= room - 1 ? furthest(scale) : Math.round((to / room) * furthest(scale));
  return Math.min(furthest(scale), Math.max(0, top + to - from));
}

/** Where the scrollbar belongs for rows at `top`. */
export function barFor(scale: ScrollScale, top: number): number {
  const { whole, height, view } = scale;
  if (whole === height) return top;
  return furthest(scale) === 0 ? 0 : (top / furthest(scale)) * (height - view);
}

/** Whether the scrollbar has so little room left in a direction that the next small step might be cut off, although there are rows. */
export function isRunningOut(scale: ScrollScale, top: number, bar: number): boolean {
  if (scale.whole === scale.height) return false;
  const room = scale.height - scale.view;
  const margin = scale.view * 2;
  return (bar < margin && top > bar + 1) || (bar > room - margin && furthest(scale) - top > room - bar + 1);
}
