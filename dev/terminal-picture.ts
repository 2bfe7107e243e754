import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser } from 'playwright-core';

/* The picture of a terminal in README: what the service really shows there, by `script` of util-linux. */

const width = 132;
/** Colours of text, by the numbers of ANSI escape sequences. */
const colours: Readonly<Record<string, string>> = {
  '31': '#f47067',
  '32': '#57ab5a',
  '33': '#c69026',
  '36': '#39c5cf',
};

/** What changes how text looks. */
const ansiSequence = new RegExp(`${String.fromCodePoint(27)}\\[(\\d+)m`);

/** Runs the service on a terminal, makes a few payments, and takes a picture of what it shows. */
export async function shootTerminal(browser: Browser, path: string): Promise<void> {
  const text = await recordTerminal();
  const page = await browser.newPage({ viewport: { width: 1_180, height: 400 } });
  await page.setContent(`<!doctype html><style>
    body { margin: 0; background: #1c2128; }
    pre { margin: 0; padding: 14px 18px; width: 1120px; white-space: pre-wrap; word-break: break-all; color: #adbac7; font: 13px/1.45 'DejaVu Sans Mono', monospace; }
    .b { font-weight: bold; color: #fff; } .d { color: #768390; }
  </style><pre>${toHtml(text)}</pre>`);
  await page.locator('pre').screenshot({ path });
  await page.close();
}

async function recordTerminal(): Promise<string> {
  const [port, healthPort] = ['8030', '8031'];
  const command = `stty cols ${width}; exec '${process.execPath}' src/main.ts --port ${port} --health-port ${healthPort}`;
  const env = {
    PATH: process.env['PATH'],
    TERM: 'xterm',
    EVENTBRIDGE: 'off',
    WEBHOOK_RETRY_BASE_MS: '700',
    TZ: 'Asia/Seoul',
  };
  const child = spawn('script', ['-qefc', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  while (!output.includes('Ctrl-C stops the service')) {
    await pause(50);
  }
  const trigger = (...args: string[]) =>
    once(
      spawn(
        process.execPath,
        ['src/main.ts', 'trigger', '--url', `http://127.0.0.1:${port}`, '--timeout', '4', ...args],
        {
          stdio: 'ignore',
        },
      ),
      'close',
    );
  await trigger('--reservation', 'reservation-1');
  await trigger('--reservation', 'reservation-2', '--behavior', 'insufficient_funds');
  await trigger(
    '--reservation',
    'reservation-3',
    '--webhook-url',
    `http://127.0.0.1:${port}/inbox?answer=503`,
  );
  await trigger('--reservation', 'reservation-4', '--behavior', 'UNAVAILABLE');
  child.stdin.write('\u0003');
  await once(child, 'close');
  return output
    .replaceAll('\r', '')
    .replaceAll('^C', '')
    .replace(/\n.*Stopping[^]*/, '\n');
}

function toHtml(text: string): string {
  const parts = text.split(ansiSequence);
  let [html, bold, dim, colour] = ['', false, false, ''];
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 1) {
      bold = part === '1' || (bold && part !== '22');
      dim = part === '2' || (dim && part !== '22');
      colour = part === '39' ? '' : (colours[part] ?? colour);
    } else {
      const escaped = part.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
      html += `<span class="${bold ? 'b' : dim ? 'd' : ''}" style="${colour === '' ? '' : `color: ${colour}`}">${escaped}</span>`;
    }
  }
  return html;
}
