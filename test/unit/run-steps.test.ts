import { expect, test } from 'vitest';
import { runSteps } from '../../src/base/run-steps.ts';

const fail = (message: string) => () => {
  throw new Error(message);
};

test('every step runs after the one before, and what one throws is thrown after all of them', async () => {
  const done: string[] = [];
  const steps = [
    async () => {
      await Promise.resolve();
      done.push('first');
    },
    () => Promise.reject(new Error('second')),
    () => void done.push('third'),
  ];
  await expect(runSteps(steps)).rejects.toThrow('second');
  expect(done).toEqual(['first', 'third']);
});

test('of several failures none is left out', async () => {
  const failed = runSteps([fail('one'), () => undefined, fail('two')]);
  await expect(failed).rejects.toMatchObject({
    message: '2 of 3 steps failed',
    errors: [{ message: 'one' }, { message: 'two' }],
  });
});

test('without a failure there is nothing to tell', async () => {
  await expect(runSteps([() => 1, async () => 2])).resolves.toBeUndefined();
});
