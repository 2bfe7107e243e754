import { expect, test } from 'vitest';
import { selectorsIn } from './selectors.ts';

test.each([
  ['up', ['up']],
  ['sum by (job, le) (rate(a_bucket{b=~"c}[.].*",d="e"}[5m])) > 0.25', ['a_bucket{b=~"c}[.].*",d="e"}']],
  ['histogram_quantile(0.99, sum(x_bucket) by (le))', ['x_bucket']],
  ['(a > 1 and deriv(b{c="d"}[15m]) > 0) or on (job) group_left (pod) c', ['a', 'b{c="d"}', 'c']],
  ['absent(a) or vector(0) or time() - b offset 5m', ['a', 'b']],
])('%s', (expression, selectors) => {
  expect(selectorsIn(expression)).toEqual(selectors);
});
