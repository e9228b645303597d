/** What a restore could not do as the backup says, put together so that ten thousand objects of one missing role are one line. */
const MOST = 20;

export class RestoreNotes {
  readonly #lines = new Set<string>();
  readonly #owners = new Map<string, { objects: number; exists: boolean }>();
  readonly #privileges: string[] = [];
  #morePrivileges = 0;

  add(line: string): void {
    this.#lines.add(line);
  }

  addOwner(role: string, exists: boolean): void {
    const known = this.#owners.get(role);
    if (known === undefined) this.#owners.set(role, { objects: 1, exists });
    else known.objects++;
  }

  addPrivilege(entry: string, reason: string): void {
    if (this.#privileges.length < MOST) this.#privileges.push(`privileges were not granted: ${entry}: ${reason}`);
    else this.#morePrivileges++;
  }

  addUndone(entry: string, error: unknown): void {
    this.add(`${entry} is still there: ${error instanceof Error ? error.message : String(error)}`);
  }

  all(): string[] {
    return [
      ...[...this.#owners].map(([role, { objects, exists }]) => `${exists ? `objects cannot be given to the role "${role}" by this user` : `the role "${role}" does not exist here`}: ${objects === 1 ? '1 object stays' : `${objects} objects stay`} with the user who restores`),
      ...this.#privileges,
      ...(this.#morePrivileges === 0 ? [] : [`privileges were not granted: ${this.#morePrivileges} more`]),
      ...this.#lines,
    ];
  }
}
