import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { expect, onTestFinished, test } from 'vitest';
import { startBrowser } from '../console/open-console.ts';
import { missingBrowser } from '../support/browser.ts';
import { encodeRequest } from '../support/clients/proto-codec.ts';
import { callSteadily } from '../support/steady-load.ts';
import { intent } from '../support/steering.ts';
import { startServiceProcess } from '../system/service-process.ts';

/* A page that is open while the gateway is busy. */

const perSecond = 5_000;
const seconds = 6;
const message = encodeRequest('CreatePaymentIntent', intent());
const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);

test.skipIf(missingBrowser !== undefined && process.env['CI'] !== 'true')(
  `${perSecond} payments a second while the console is open: it samples, says so, and answers`,
  async () => {
    const service = startServiceProcess({
      SHUTDOWN_GRACE_MS: '0',
      DEFAULT_DELAY_MS: '500',
    });
    const { apiUrl } = await service.ready;

    const browser = await startBrowser();
    onTestFinished(() => browser.close());
    const page = await browser.open(apiUrl);
    await page.getByRole('heading', { name: 'No payments yet.' }).waitFor();
    const sessions = Array.from({ length: 8 }, () => connect(apiUrl));
    onTestFinished(() => sessions.forEach((session) => session.destroy()));
    // How long the page does not come to drawing, in milliseconds.
    await page.evaluate(
      'window.gaps = []; (function draw(last) { requestAnimationFrame((now) => { gaps.push(now - last); draw(now); }); })(performance.now())',
    );
    const load = callSteadily({ perSecond, seconds }, (nth) => create(sessions[nth % sessions.length]));
    await page.getByText('changes a second: this list shows the newest').waitFor();
    // It is still worked with.
    await page.getByLabel('Status').selectOption('COMPLETED');
    await page
      .getByRole('row', { name: /COMPLETED/ })
      .first()
      .waitFor();
    expect(await page.locator('tbody tr').count()).toBeLessThanOrEqual(50);
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByText('Payments made').waitFor();
    await load;
    const gaps = await page.evaluate<number[]>('window.gaps');
    console.log(`longest time without a frame: ${Math.max(...gaps).toFixed(0)} ms of ${gaps.length} frames`);
    await page.getByRole('link', { name: 'Payments', exact: true }).click();
    await page.getByText(`${(perSecond * seconds).toLocaleString('en')} payments`).waitFor();
    expect(await page.getByText('The service does not answer.').count()).toBe(0);
  },
);

async function create(session: ClientHttp2Session | undefined): Promise<void> {
  const stream = session?.request({
    ':method': 'POST',
    ':path': '/payment.v1.PaymentService/CreatePaymentIntent',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  if (stream === undefined) {
    throw new Error('no session');
  }
  stream.end(frame);
  stream.resume();
  const [trailers] = (await once(stream, 'trailers')) as [Record<string, string>];
  expect(trailers['grpc-status']).toBe('0');
}
