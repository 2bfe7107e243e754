import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Where Debian's package has it. */
const executablePath = '/usr/bin/chromium';

/** Why there is no browser to test with, or undefined. */
export const missingBrowser = existsSync(executablePath)
  ? undefined
  : `no ${executablePath}: install Debian's chromium`;

/** Starts it with a new profile, which Playwright removes at its end. It asks nothing of the network by itself. */
export async function launchBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
