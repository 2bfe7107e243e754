import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { shootTerminal } from '../dev/terminal-picture.ts';
import { startPaymentSim } from '../src/index.ts';

/*
 * `npm run screenshots`: makes the pictures of README and docs/console.md from the real console and a real terminal, so that they show what is there.
 * Needs Debian's chromium.
 */

const executablePath = '/usr/bin/chromium';
if (!existsSync(executablePath)) {
  throw new Error(`no ${executablePath}: install Debian's chromium`);
}
const folder = fileURLToPath(new URL('../docs/images', import.meta.url));
mkdirSync(folder, { recursive: true });

await using sim = await startPaymentSim({ variables: { CONSOLE: 'on', DEFAULT_DELAY_MS: 50 } });
const users = [
  'user-1',
  'user-2',
  'sim_insufficient_funds',
  'user-3',
  'sim_hold',
  'user-4',
  'sim_expired_card',
];
await sim.session('checkout-test').rule({
  ruleId: 'lost-card',
  label: 'every card is lost',
  simulation: { failureCode: 'lost_card' },
});
const ids: string[] = [];
for (const [index, userId] of users.entries()) {
  const session = index % 3 === 2 ? sim.session('checkout-test') : sim;
  const { paymentIntentId } = await session.client.createPaymentIntent({
    reservationId: `reservation-${index + 1}`,
    userId,
    amount: { amount: BigInt(12_000 * (index + 1)), currency: 'KRW' },
    webhookUrl: sim.inboxUrl,
  });
  ids.push(paymentIntentId);
}
const [first = ''] = ids;
await sim.waitForWebhook(first);
await sim.client.cancelPayment({ paymentIntentId: first, reason: 'the seat was taken' });

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
const page = await browser.newPage({ viewport: { width: 1_280, height: 760 }, locale: 'en-US' });

await shoot('console-payments', 'payments', (at) =>
  at
    .locator('tbody tr')
    .nth(users.length - 1)
    .waitFor(),
);
await shoot('console-payment', `payments/${first}`, async (at) => {
  await at.getByText('WEBHOOK, attempt 1').nth(1).waitFor();
  await at.getByText('Check the signature').first().click();
  await at.getByText('The signature matches').first().waitFor();
});
await shoot('console-rules', 'rules', async (at) => {
  await at.getByRole('button', { name: 'Try' }).click();
});
await shoot('console-new-payment', 'new', (at) => at.getByRole('button', { name: 'Make payment' }).waitFor());
await shootTerminal(browser, `${folder}/terminal.png`);
process.stdout.write('docs/images/terminal.png\n');
await browser.close();

async function shoot(name: string, path: string, prepare: (at: Page) => Promise<unknown>): Promise<void> {
  await page.goto(`${sim.apiUrl}/#/${path}`);
  await prepare(page);
  // What has just come glows for a moment.
  await page.waitForTimeout(1_500);
  await page.screenshot({ path: `${folder}/${name}.png` });
  process.stdout.write(`docs/images/${name}.png\n`);
}
