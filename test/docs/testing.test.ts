import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { missingCurl } from '../support/missing-curl.ts';
import { root } from './markdown.ts';
import { outcomes } from './testing-outcomes.ts';
import { sections, writePageModule } from './testing-page.ts';
import { byCurl, byKit, type Way } from './testing-ways.ts';

/* Every block of docs/testing.md is run, by curl and by the kit, and does what the page says. */

const page = writePageModule();
afterAll(() => page.remove());

/** What the tests start in another way. */
const npmStart = 'npm start\n';

test('every wish has both ways', () => {
  expect(Object.keys(outcomes)).toEqual(sections.map(({ heading }) => heading));
  expect(sections.filter(({ commands, snippets }) => commands.length * snippets.length === 0)).toEqual([]);
  expect(sections.flatMap(({ commands }) => commands).filter((text) => !text.includes('localhost'))).toEqual([
    npmStart,
    'npm run -s webhooks:resend -- --since 2h\n',
  ]);
});

test('the TypeScript is without mistakes', async () => {
  const tsc = fileURLToPath(new URL('node_modules/.bin/tsc', root));
  const { stdout } = await promisify(execFile)(tsc, ['-p', page.directory]).catch(
    (error: unknown) => error as { stdout: string },
  );
  expect(stdout).toBe('');
});

describe.each(sections.map(({ heading }) => heading))('%s', (heading) => {
  test.skipIf(missingCurl)('by curl', () => expectOutcome(heading, () => byCurl(heading)));

  test('by the kit', () => expectOutcome(heading, () => byKit(heading, page.path)));
});

async function expectOutcome(heading: string, start: () => Promise<Way>): Promise<void> {
  const way = await start();
  await outcomes[heading]?.(way);
  expect(way.unrun()).toEqual([]);
}
