import { spawnSync } from 'node:child_process';

/** Whether there is no `curl` to test with; the tests that need it are skipped then, but not in CI. */
export const missingCurl = spawnSync('curl', ['--version']).error !== undefined;

if (missingCurl) {
  if (process.env['CI'] === 'true') {
    throw new Error('there is no curl, which CI must have');
  }
  console.warn('Tests are skipped: no curl on the PATH');
}
