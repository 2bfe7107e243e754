/**
 * Runs all steps, one after the other: one that fails keeps no later one from its work.
 *
 * @throws what the step that failed has thrown, after all of them; an AggregateError of several.
 */
export async function runSteps(steps: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 1) {
    throw new AggregateError(failures, `${failures.length} of ${steps.length} steps failed`);
  }
  if (failures.length === 1) {
    throw failures[0];
  }
}
