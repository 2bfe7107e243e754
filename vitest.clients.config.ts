import { mergeConfig } from 'vitest/config';
import conformance from './vitest.conformance.config.ts';

/** All tests with clients that others wrote; `npm run generate:clients` makes the table of docs/clients.md of them. */
export default mergeConfig(conformance, {
  test: {
    include: ['test/browser/clients.test.ts', 'test/docs/clients.test.ts', 'test/reflection/clients.test.ts'],
    reporters: ['default', './test/clients/table/reporter.ts'],
  },
});
