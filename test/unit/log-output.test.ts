import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createLogOutput, maxWaitingBytes } from '../../src/process/log-output.ts';

/** Both ends of a pipe that nobody reads; neither end blocks. */
function openPipe(): number {
  const folder = mkdtempSync(join(tmpdir(), 'payment-sim-pipe-'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const fd = openSync(join(folder, 'pipe'), constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  return fd;
}

/** All that is in the pipe at the moment. */
function readAll(fd: number): string {
  const chunks: Buffer[] = [];
  for (;;) {
    const buffer = Buffer.alloc(65_536);
    try {
      chunks.push(buffer.subarray(0, readSync(fd, buffer)));
    } catch {
      return Buffer.concat(chunks).toString('utf8');
    }
  }
}

/** A line of about a kilobyte, with letters of three bytes. */
const lineOf = (number: number) => `{"level":"info","number":${number},"text":"${'가'.repeat(330)}"}\n`;

test('lines that nobody reads are bounded in bytes, counted beyond that, and told of when they are read', async () => {
  const fd = openPipe();
  const output = createLogOutput(fd, () => new Date(0));
  const [many, errors] = [20_000, 20_000];
  for (let number = 0; number < many; number += 1) {
    output.write(lineOf(number), 1, false);
  }
  expect(output.waitingBytes()).toBeLessThanOrEqual(maxWaitingBytes / 2);
  expect(output.waitingBytes()).toBeGreaterThan(maxWaitingBytes / 2 - 2_000);
  const lostBefore = output.lostLines();
  expect(lostBefore).toBeGreaterThan(0);
  // Errors have the other half.
  for (let number = many; number < many + errors; number += 1) {
    output.write(lineOf(number), 1, true);
  }
  expect(output.waitingBytes()).toBeLessThanOrEqual(maxWaitingBytes);
  expect(output.waitingBytes()).toBeGreaterThan(maxWaitingBytes - 2_000);
  const lost = output.lostLines();
  expect(lost - lostBefore).toBeLessThan(errors);

  let text = '';
  await expect
    .poll(
      () => {
        text += readAll(fd);
        return output.waitingBytes();
      },
      { interval: 1 },
    )
    .toBe(0);
  text += readAll(fd);
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { number?: number });
  const notice = lines.pop();
  expect(notice).toEqual({
    level: 'warn',
    ts: '1970-01-01T00:00:00.000Z',
    lines: lost,
    msg: 'Log lines were lost',
  });
  expect(lines).toHaveLength(many + errors - lost);
  // Whole and in order: each was parsed, and no number comes before a smaller one.
  const numbers = lines.map(({ number = Number.NaN }) => number);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(await output.end(0)).toBeUndefined();
});

test('a full disk is tried again without an error, and ends without a wait', async () => {
  // Never closed: the output goes on trying, and would write to whatever has that number next.
  const fd = openSync('/dev/full', 'w');
  const output = createLogOutput(fd);
  output.write('one\n', 1, false);
  expect(await output.end(3_600_000)).toEqual({ lines: 1, cause: 'ENOSPC' });
  output.write('two\n', 1, true);
  expect(await output.end(3_600_000)).toEqual({ lines: 2, cause: 'ENOSPC' });
});

test('the end waits for a reader, and says what is left when its time is over', async () => {
  const fd = openPipe();
  const output = createLogOutput(fd);
  output.write(lineOf(0).repeat(100), 100, false);
  expect(await output.end(50)).toEqual({ lines: 100, cause: 'EAGAIN' });
  const ended = output.end(3_600_000);
  // The last of it may be read before the write that brought it is known to have ended.
  const waiting = () => (readAll(fd), output.waitingBytes());
  await expect.poll(waiting, { interval: 1 }).toBe(0);
  expect(await ended).toBeUndefined();
});
