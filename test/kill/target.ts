/** A database that is loaded under fire. */
export interface Target {
  /** For Sluice. */
  readonly url: string;
  readonly env: NodeJS.ProcessEnv;
  /** As it is before the run. */
  reset(): Promise<void>;
  /** Number and hash of the rows of each table, whatever their order. */
  contents(): Promise<string>;
  /** Tables and files that no run should leave behind. */
  leftovers(): Promise<string[]>;
}
