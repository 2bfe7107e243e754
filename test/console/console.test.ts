import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingBrowser } from '../support/browser.ts';
import type { JsonObject } from '../support/clients/payment-client.ts';
import { freePort } from '../support/free-port.ts';
import { startService } from '../support/start-service.ts';
import { intent } from '../support/steering.ts';
import { startServiceProcess } from '../system/service-process.ts';
import { startBrowser, violationsOf } from './open-console.ts';

/* What people do with the console, in a real browser. */

const quickStop = { SHUTDOWN_GRACE_MS: '0' };

test.skipIf(missingBrowser !== undefined && process.env['CI'] !== 'true')(
  'there is a browser, always in CI',
  () => {
    expect(missingBrowser).toBeUndefined();
  },
);

/** A call by somebody else, as curl makes it. @returns the id of the payment. */
async function pay(apiUrl: string, change: JsonObject = {}, headers = {}): Promise<string> {
  const answer = await fetch(`${apiUrl}/payment.v1.PaymentService/CreatePaymentIntent`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(intent(change)),
  });
  return ((await answer.json()) as { payment_intent_id: string }).payment_intent_id;
}

describe.skipIf(missingBrowser !== undefined)('the console', () => {
  let browser: Awaited<ReturnType<typeof startBrowser>>;

  beforeAll(async () => {
    browser = await startBrowser();
  });

  afterAll(() => browser.close());

  test('a newcomer makes a payment, sees its webhook verified, and refunds it', async () => {
    const { apiUrl } = await startService({ ...quickStop, DEFAULT_DELAY_MS: '200' });
    const page = await browser.open(apiUrl);
    await page.getByRole('link', { name: 'Make a payment' }).click();
    await page.getByRole('button', { name: 'Make payment' }).click();
    await page.getByRole('heading', { name: /pay-/ }).waitFor();
    await page.getByText('WEBHOOK, attempt 1').waitFor();
    await page.getByText('Check the signature').first().click();
    await page.getByText(/signature matches/i).waitFor();
    await page.getByRole('button', { name: 'Refund…' }).click();
    await page.getByRole('button', { name: 'Refund it' }).click();
    await page.getByRole('heading', { name: /REFUNDED/ }).waitFor();
    await page.getByRole('link', { name: 'Inbox' }).click();
    await expect.poll(() => page.getByText('verified', { exact: true }).count()).toBe(2);
  });

  test('a payment that somebody else makes appears within a second, and its story as it goes on', async () => {
    const { apiUrl } = await startService({ ...quickStop, DEFAULT_DELAY_MS: '100' });
    const page = await browser.open(apiUrl);
    await page.getByRole('heading', { name: 'No payments yet.' }).waitFor();
    const user = { user_id: 'sim_insufficient_funds' };
    const id = await pay(apiUrl, user);
    // The bar is a second; a busy machine may take longer, so it is measured in docs/console.md.
    await page.getByRole('link', { name: id.slice(0, 12) }).click();
    await page.getByRole('heading', { name: /FAILED/ }).waitFor();
    await page.getByRole('link', { name: 'magic:sim_insufficient_funds' }).first().waitFor();
    await page.getByText('CreatePaymentIntent').first().waitFor();
  });

  test('the service is restarted while it is open: it says so, and goes on', async () => {
    const port = await freePort();
    const env = { GRPC_PORT: String(port), ...quickStop };
    const first = startServiceProcess(env);
    const { apiUrl } = await first.ready;
    const page = await browser.open(apiUrl);
    await pay(apiUrl);
    await page.locator('tbody tr').first().waitFor();
    // The list is there, so this one is told: by then the page knows which service it watches.
    const told = await pay(apiUrl);
    await page.getByRole('link', { name: told.slice(0, 12) }).waitFor();
    first.signal('SIGKILL');
    await page.getByText('The service does not answer.').waitFor();
    const second = startServiceProcess(env);
    await second.ready;
    await page.getByText('The service was started anew').waitFor();
    await page.getByText('The service does not answer.').waitFor({ state: 'detached' });
    const id = await pay(apiUrl);
    await page.getByRole('link', { name: id.slice(0, 12) }).waitFor();
  });

  test('a rule is made from a template, tried, met, and deleted', async () => {
    const { apiUrl } = await startService({ ...quickStop, DEFAULT_DELAY_MS: '0' });
    const page = await browser.open(`${apiUrl}/#/rules`);
    await page.getByRole('button', { name: 'New rule' }).click();
    await page.getByRole('button', { name: 'Fail twice, then succeed' }).click();
    await page.getByLabel('Rule id').fill('twice');
    await page.getByLabel('Times').fill('many');
    await page.getByRole('button', { name: 'Make the rule' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Times').fill('2');
    await page.getByRole('button', { name: 'Make the rule' }).click();
    const row = page.getByRole('row', { name: /twice/ });
    await row.getByText('api.code UNAVAILABLE').waitFor();
    await page.getByRole('button', { name: 'Try' }).click();
    await page.getByText('applies', { exact: true }).waitFor();
    await pay(apiUrl);
    await expect.poll(() => row.getByRole('cell').nth(4).textContent()).toBe('1');
    await pay(apiUrl);
    await page.getByRole('button', { name: 'Try' }).click();
    await page.getByText('applies', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Delete twice' }).click();
    await page.getByText('No rules.').waitFor();
  });

  test('the clock of a session is moved, and the session reset', async () => {
    const { apiUrl } = await startService(quickStop);
    const page = await browser.open(`${apiUrl}/#/sessions`);
    await page.getByRole('button', { name: 'New session' }).click();
    await page.getByRole('textbox', { name: 'Session' }).fill('still');
    await page.getByLabel('Time stands still until it is moved').check();
    await page.getByRole('button', { name: 'Save' }).click();
    const card = page
      .locator('section')
      .filter({ has: page.getByRole('heading', { name: 'still', exact: true }) });
    await card.getByRole('button', { name: '+1 s' }).waitFor();
    const id = await pay(apiUrl, {}, { 'payment-sim-session': 'still' });
    await card.getByText('1 (PENDING 1)').waitFor();
    await card.getByRole('button', { name: '+1 s' }).click();
    await card.getByText('0 changes of payments').waitFor();
    await card.getByRole('button', { name: 'run until idle' }).click();
    await card.getByText('1 changes of payments').waitFor();
    await card.getByRole('link', { name: id }).waitFor();
    await card.getByText('1 (COMPLETED 1)').waitFor();
    await card.getByRole('button', { name: 'Reset… still' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Reset' }).click();
    await card.waitFor({ state: 'detached' });
  });

  test('a new session takes no settings away from one that is there', async () => {
    const { apiUrl } = await startService(quickStop);
    const steer = async (method: string, session: string, body: JsonObject) => {
      const answer = await fetch(`${apiUrl}/simulator.v1.SimulatorService/${method}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(session !== '' && { 'payment-sim-session': session }),
        },
        body: JSON.stringify(body),
      });
      return (await answer.json()) as { session: JsonObject };
    };
    await steer('UpdateSession', '', { session: { seed: 7 } });
    await steer('UpdateSession', 'mine', { session: { seed: 8 } });
    const page = await browser.open(`${apiUrl}/#/sessions`);
    await page.getByRole('button', { name: 'New session' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('A session has a name.').waitFor();
    await page.getByRole('textbox', { name: 'Session' }).fill('mine');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('There are settings of this name already').waitFor();
    const seeds = [await steer('GetSession', '', {}), await steer('GetSession', 'mine', {})];
    expect(seeds.map(({ session }) => session['seed'])).toEqual([7, 8]);
  });

  test('what was given up is sent again, all of it or one by one', async () => {
    const { apiUrl } = await startService({ ...quickStop, DEFAULT_DELAY_MS: '0', WEBHOOK_MAX_ATTEMPTS: '1' });
    const page = await browser.open(`${apiUrl}/#/deliveries`);
    await pay(apiUrl, { webhook_url: `${apiUrl}/inbox?answer=500` });
    const row = page.locator('tbody tr').first();
    await row.getByText('GIVEN_UP').waitFor();
    await page.getByRole('button', { name: 'Send all that were given up…' }).click();
    await page.getByText('1 events were given up').waitFor();
    await page.getByRole('button', { name: 'Send them' }).click();
    await page.getByText('1 sent again').waitFor();
    await expect.poll(() => row.getByRole('cell').nth(6).textContent()).toBe('2');
    await page.getByLabel('How', { exact: true }).selectOption('signed with a wrong secret');
    await row.getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Send 1 chosen again' }).click();
    await expect.poll(() => row.getByRole('cell').nth(6).textContent()).toBe('3');
    await row.getByRole('link').first().click();
    await expect.poll(() => page.getByText('Headers, Body, Answer').count()).toBe(3);
  });

  describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
    test.each(['en-US', 'ko-KR'])('axe-core finds nothing on any page, in %s', async (locale) => {
      const { apiUrl } = await startService({
        ...quickStop,
        DEFAULT_DELAY_MS: '0',
        WEBHOOK_MAX_ATTEMPTS: '2',
      });
      const declined = await pay(apiUrl, {
        user_id: 'sim_insufficient_funds',
        webhook_url: `${apiUrl}/inbox?answer=500`,
      });
      await pay(apiUrl, { webhook_url: `${apiUrl}/inbox` }, { 'payment-sim-session': 'one' });
      const rule = { rule: { rule_id: 'r', simulation: { api: { delay_ms: 1 } } } };
      await fetch(`${apiUrl}/simulator.v1.SimulatorService/CreateRule`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(rule),
      });
      const page = await browser.open(apiUrl, {
        colorScheme,
        locale,
        width: colorScheme === 'dark' ? 400 : 1_280,
      });
      const found: string[] = [];
      for (const path of [
        'payments',
        `payments/${declined}`,
        'new',
        'deliveries',
        'inbox',
        'rules',
        'sessions',
        'overview',
        'nowhere',
      ]) {
        await page.goto(`${apiUrl}/#/${path}`);
        await page.locator('main').locator('h1, .empty').first().waitFor();
        // What is folded is looked at too.
        await page.evaluate('document.querySelectorAll("details").forEach((part) => (part.open = true))');
        found.push(...(await violationsOf(page)).map((violation) => `${path}: ${violation}`));
      }
      expect(found).toEqual([]);
    });
  });

  test('where nobody may steer it only reads', async () => {
    const { apiUrl } = await startService({ ...quickStop, SIMULATOR_API: 'off', DEFAULT_DELAY_MS: '100' });
    const id = await pay(apiUrl);
    const page = await browser.open(`${apiUrl}/#/payments/${id}`);
    await page.getByText('Read only').waitFor();
    await page.getByRole('heading', { name: /COMPLETED/ }).waitFor();
    const names = await page.getByRole('button').allTextContents();
    expect(names.filter((name) => !/Copy|Keys/.test(name))).toEqual([]);
    const links = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allTextContents();
    expect(links).toEqual(['Payments', 'Overview']);
  });

  test('what an attacker writes is text', async () => {
    const { apiUrl } = await startService({ ...quickStop, DEFAULT_DELAY_MS: '0' });
    const page = await browser.open(apiUrl);
    const evil = '<img src=x onerror="window.isHurt=true"><script>window.isHurt=true</script>';
    const id = await pay(
      apiUrl,
      {
        user_id: evil.replaceAll('/', '&#47;').slice(0, 120),
        reservation_id: `"><svg onload=window.isHurt=true>`,
        metadata: { source: evil, user_agent: evil, tags: { [evil.slice(0, 60)]: evil } },
        webhook_url: `http://127.0.0.1:9/${encodeURIComponent(evil)}`,
        simulation: { api: { message: evil, code: 'UNAVAILABLE', when: 'SIMULATED_ERROR_TIME_AFTER' } },
      },
      { 'payment-sim-session': 'javascript:window.isHurt=true' },
    ).then(async (given) => given ?? (await idOfOnly(apiUrl)));
    await page.locator('tbody tr').first().waitFor();
    await page.goto(`${apiUrl}/#/payments/${id}`);
    await page.getByText('onerror').first().waitFor();
    await page.goto(`${apiUrl}/#/${encodeURIComponent(evil)}?session=${encodeURIComponent(evil)}`);
    await page.getByText('There is no such page.').waitFor();
    const found = await page.evaluate(
      '[window.isHurt === true, document.querySelectorAll("img, svg[onload], a[href^=javascript]").length]',
    );
    expect(found).toEqual([false, 0]);
  });

  test('it is worked by keys alone', async () => {
    const { apiUrl } = await startService({ ...quickStop, DEFAULT_DELAY_MS: '86400000' });
    const ids = [await pay(apiUrl), await pay(apiUrl)];
    const page = await browser.open(apiUrl);
    await page.locator('tbody tr').nth(1).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await page.keyboard.type('nobody');
    await page.getByText('Nothing fits the filter.').waitFor();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.press('Delete');
    await page.locator('tbody tr').nth(1).waitFor();
    await page.keyboard.press('Escape');
    await page.evaluate('document.activeElement.blur()');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: new RegExp(ids[0] ?? '') }).waitFor();
  });

  test.each([
    ['en-US', 'Payments'],
    ['ko-KR', '결제'],
    ['fr-FR', 'Payments'],
  ])('a browser that speaks %s reads %s', async (locale, title) => {
    const { apiUrl } = await startService(quickStop);
    const page = await browser.open(apiUrl, { locale });
    await page.getByRole('heading', { name: title, exact: true }).waitFor();
    expect(await page.evaluate('document.documentElement.lang')).toBe(locale === 'ko-KR' ? 'ko' : 'en');
  });
});

async function idOfOnly(apiUrl: string): Promise<string> {
  const answer = await fetch(`${apiUrl}/payment.v1.PaymentService/ListPayments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'payment-sim-session': '*' },
    body: '{}',
  });
  const { payments } = (await answer.json()) as { payments: readonly { payment_intent_id: string }[] };
  expect(payments).toHaveLength(1);
  return payments[0]?.payment_intent_id ?? '';
}
