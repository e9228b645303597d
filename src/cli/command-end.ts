/** A command calls it with its exit code when it is done. */
export type CommandEnd = (exitCode: number) => void;
