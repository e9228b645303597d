/** How long each step of a restore took, for its receipt. */
export class StepTimes {
  readonly #steps: { name: string; seconds: number }[] = [];

  async time<T>(name: string, work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const result = await work();
    this.#steps.push({ name, seconds: Math.round(performance.now() - began) / 1000 });
    return result;
  }

  all(): readonly { readonly name: string; readonly seconds: number }[] {
    return this.#steps;
  }
}
