import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { findCandidates } from '../../src/cli/commands/completion.ts';
import { createProgram } from '../../src/cli/program.ts';
import { compileCache } from '../support/compile-cache.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'payment-sim-completion-'));
const command = join(folder, 'payment-sim');
writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${root}src/main.ts' "$@"\n`);
chmodSync(command, 0o755);
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  [['trig'], ['trigger']],
  [
    ['payments', ''],
    ['list', 'get', 'cancel', 'refund'],
  ],
  [
    ['trigger', '--scenario', ''],
    ['approve', 'fail', 'delay', 'random'],
  ],
  [['trigger', '--scenario', 'f'], ['fail']],
  [['--po'], ['--port']],
  [
    ['start', '--log-'],
    ['--log-level', '--log-format'],
  ],
  [
    ['check-env', ''],
    ['service', 'worker'],
  ],
  [['completion', 'z'], ['zsh']],
  [['payments', 'get', '--url', ''], []],
  [['compl'], ['completion']],
])('%j may end in %j', async (words, wanted) => {
  expect(findCandidates(await createProgram(), words).map(({ word }) => word)).toEqual(wanted);
});

/** Whether the shell is missing; in CI nothing may be. */
function missing(shell: string): boolean {
  const isMissing = spawnSync(shell, ['-c', 'exit 0']).status !== 0;
  if (isMissing && process.env['CI'] === 'true') {
    throw new Error(`there is no ${shell}, which CI must have`);
  }
  return isMissing;
}

async function runShell(shell: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(shell, [...args], {
    env: { PATH: `${folder}:${process.env['PATH']}`, HOME: folder, ...compileCache },
  });
  return stdout;
}

/** What bash does when Tab is pressed at the end of the words. */
function line(...words: string[]): string {
  return `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _payment_sim; echo "\${COMPREPLY[@]}"`;
}

test.skipIf(missing('bash'))('bash completes by the script (needs bash)', async () => {
  const script = `source <(payment-sim completion bash); complete -p payment-sim; ${line('payment-sim', 'rules', '')}; ${line('payment-sim', 'tail', '--from', '$(touch evil)')}`;
  expect(await runShell('bash', ['-c', script])).toBe(
    'complete -o default -F _payment_sim payment-sim\nlist add remove\n\n',
  );
});

test.skipIf(missing('fish'))('fish completes by the script (needs fish)', async () => {
  const script = 'payment-sim completion fish | source; complete -C "payment-sim tail --from "';
  expect((await runShell('fish', ['-c', script])).trim().split('\n')).toEqual(['now', 'oldest']);
});

test.skipIf(missing('zsh'))('zsh takes the script (needs zsh)', async () => {
  const script = `autoload -Uz compinit; compinit -u -D; source <(payment-sim completion zsh)
    _describe() { print -l -- "\${(@P)2}" }; words=(payment-sim rules ''); CURRENT=3; _payment_sim`;
  expect(await runShell('zsh', ['-f', '-c', script])).toMatch(
    /^list:lists them\nadd:adds one\nremove:removes one\n$/,
  );
});
