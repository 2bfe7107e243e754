import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { startOnTerminal } from '../system/terminal-process.ts';
import { startServiceProcess } from '../system/service-process.ts';

const missing = (() => {
  try {
    execFileSync('script', ['--version']);
    return false;
  } catch {
    return true;
  }
})();

/** In place of the shell, whose exit code would be that of Ctrl-C. */
const node = `exec '${process.execPath}'`;

describe.skipIf(missing)('on a terminal (needs script of util-linux)', () => {
  test('the start shows what to open and a call whose payment is shown line by line', async () => {
    const start = startOnTerminal(`${node} src/main.ts`, { DEFAULT_DELAY_MS: '50', TERM: 'xterm' });
    const [, url, body] = /curl (http:\S+) .* -d '(\{.*\})'/.exec(await start.shown(/curl .*\}'/)) ?? [];
    expect(start.output()).toMatch(/Console\s+\S*http:\/\/localhost:\d+\//);
    const response = await fetch(url ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: body ?? '',
    });
    const { payment_intent_id: id } = (await response.json()) as { payment_intent_id: string };
    await start.shown(new RegExp(`\u001b\\[36mPENDING +\u001b\\[39m .*${id}`));
    await start.shown(new RegExp(`${id.slice(0, 12)} +\u001b\\[32mCOMPLETED`));
    await start.shown(new RegExp(`${id.slice(0, 12)} +\u001b\\[32mwebhook 204`));
    start.pressCtrlC();
    await start.shown(/Stopped/);
    expect(await start.ended).toBe(0);
  });

  test('without colours where NO_COLOR is set', async () => {
    const start = startOnTerminal(`${node} src/main.ts`, { NO_COLOR: '1', TERM: 'xterm' });
    await start.shown(/Ctrl-C stops the service/);
    expect(start.output()).not.toContain('\u001b[');
  });

  test('JSON where LOG_FORMAT says so', async () => {
    const start = startOnTerminal(`${node} src/main.ts --log-format json`);
    expect(JSON.parse(await start.shown(/^\{.*is ready"\}/m))).toMatchObject({ level: 'info' });
  });
});

test('elsewhere the log is JSON alone', async () => {
  const service = startServiceProcess();
  await service.ready;
  service.signal('SIGTERM');
  await service.ended;
  expect(service.logs().map(({ msg }) => msg)).toEqual(['Payment Sim is ready', 'Stopping', 'Stopped']);
});
