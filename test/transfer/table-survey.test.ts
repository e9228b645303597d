import { describe, expect, it } from 'vitest';
import { TableSurvey } from '../../src/transfer/table-survey.ts';

describe('the survey of a table', () => {
  it('has bounded marks, whatever the size of the table, and finds the nearest on both sides', () => {
    const survey = new TableSurvey();
    survey.begin('key');
    let position = 0;
    for (let marks = 0; marks < 20_000; marks++) {
      survey.add({ position, place: [String(position)] });
      position += survey.spacing;
    }
    expect(survey.spacing).toBeGreaterThan(400_000);
    for (const wanted of [0, 1, 49_999, position / 2, position]) {
      const [before, after] = [survey.before(wanted)!, survey.after(wanted)];
      expect(before.position).toBeLessThanOrEqual(wanted);
      expect(wanted - before.position).toBeLessThanOrEqual(2 * survey.spacing);
      if (after !== undefined) expect(after.position).toBeGreaterThan(wanted);
    }
  });

  it('is made by one at a time, also when one fails', async () => {
    const survey = new TableSurvey();
    const order: number[] = [];
    const failing = survey.exclusively(async () => {
      await new Promise((resolve) => { setTimeout(resolve, 20); });
      order.push(1);
      throw new Error('lost');
    });
    const next = survey.exclusively(async () => { order.push(2); });
    await expect(failing).rejects.toThrow('lost');
    await next;
    expect(order).toEqual([1, 2]);
  });
});
