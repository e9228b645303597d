/** In pixels. */
export const ROW_HEIGHT = 28;
export const HEADER_HEIGHT = 44;

/** Both from 0. */
export interface CellPlace {
  readonly row: number;
  readonly column: number;
}
