import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { launchBrowser } from '../support/browser.ts';

/* A real browser that has the console open. */

/** How it is shown. */
export interface Look {
  readonly locale?: string;
  readonly colorScheme?: 'light' | 'dark';
  readonly width?: number;
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Pages of one browser; each has a profile of its own and must see no error by its end. */
export async function startBrowser() {
  const browser = await launchBrowser();
  return { open: (url: string, look?: Look) => openPage(browser, url, look), close: () => browser.close() };
}

async function openPage(
  browser: Browser,
  url: string,
  { locale = 'en-US', colorScheme = 'light', width = 1_280 }: Look = {},
): Promise<Page> {
  const context = await browser.newContext({ locale, colorScheme, viewport: { width, height: 900 } });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  // A page that broke its own policy would say so here.
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy/.test(message.text())) {
      errors.push(message.text());
    }
  });
  const asked = new Set<string>();
  page.on('request', (request) => asked.add(new URL(request.url()).origin));
  onTestFinished(async () => {
    await context.close();
    expect(errors).toEqual([]);
    // Nothing is asked of anybody else; `data:` is the empty icon.
    expect([...asked].filter((origin) => origin !== 'null')).toEqual([new URL(url).origin]);
  });
  await page.goto(url);
  return page;
}

/** What axe-core has to say against the page as it stands. */
export async function violationsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<{
    violations: readonly { id: string; nodes: readonly { html: string }[] }[];
  }>('axe.run()');
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
