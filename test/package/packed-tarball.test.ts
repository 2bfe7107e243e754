import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
/** Somebody else's project: nothing in it but the tarball and what a client in TypeScript needs. */
const project = mkdtempSync(join(tmpdir(), 'payment-sim-project-'));
// The Node that runs this, and nothing that npm or vitest told its children.
const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, HOME: process.env['HOME'] };
let packedFiles: readonly string[] = [];

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

beforeAll(async () => {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: root });
  // The build prints its own lines first. npm 9 to 11 answer a list, later ones an object by name.
  const answer = JSON.parse(stdout.slice(stdout.search(/^[[{]/m))) as Packed[] | Record<string, Packed>;
  const [packed] = Object.values(answer);
  packedFiles = packed?.files.map(({ path }) => path) ?? [];
  const { dependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    dependencies: Record<string, string>;
  };
  write('package.json', {
    name: 'shop',
    private: true,
    type: 'module',
    dependencies: {
      '@connectrpc/connect': dependencies['@connectrpc/connect'],
      '@connectrpc/connect-node': dependencies['@connectrpc/connect-node'],
      'payment-sim': `file:${packed?.filename}`,
    },
  });
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: project });
}, 120_000);

afterAll(() => rmSync(project, { recursive: true, force: true }), 120_000);

/** All that may be in the tarball. */
const allowed = [
  /^(CHANGELOG|README(\.ko)?|THIRD_PARTY_LICENSES)\.md$/,
  /^LICENSE$/,
  /^package\.json$/,
  /^dist\/([a-z0-9-]+\/)*[a-z0-9-]+\.(js|d\.ts)$/,
  /^dist\/console\/(index\.html|assets\/(console|licences)-[\w-]+\.(js|css|txt))$/,
  /^gen\/([a-z0-9]+\/)+[a-z_]+_pb\.(js|d\.ts)$/,
  /^proto\/([a-z0-9]+\/)+[a-z_]+\.proto$/,
  /^proto-platform\/([a-z0-9]+\/)+[a-z_]+\.proto$/,
  /^rules\/[a-z-]+\.yaml$/,
];

test('the tarball has what is built, generated and documented, and nothing else', () => {
  expect(packedFiles.filter((path) => !allowed.some((pattern) => pattern.test(path)))).toEqual([]);
  expect(allowed.filter((pattern) => !packedFiles.some((path) => pattern.test(path)))).toEqual([]);
  expect(packedFiles.filter((path) => /local\/|\.test\./.test(path))).toEqual([]);
  // Each file of dist/ has its source, so nothing is left over from an earlier build.
  const sources = packedFiles
    .filter((path) => path.startsWith('dist/') && !path.startsWith('dist/console/'))
    .map((path) => path.replace(/(\.d)?\.[jt]s$/, '.ts'));
  expect(sources.filter((path) => !existsSync(root + path.replace('dist/', 'src/')))).toEqual([]);
});

test('the manifest names files that are in the tarball', () => {
  const { bin, exports } = JSON.parse(
    readFileSync(join(project, 'node_modules/payment-sim/package.json'), 'utf8'),
  ) as { bin: Record<string, string>; exports: Record<string, string | Record<string, string>> };
  const named = [
    ...Object.values(bin),
    ...Object.values(exports).flatMap((target) =>
      Object.values(typeof target === 'string' ? [target] : target),
    ),
  ]
    .map((path) => path.replace('./', ''))
    .filter((path) => !path.includes('*'));
  expect(named.length).toBeGreaterThan(9);
  expect(named.filter((path) => !packedFiles.includes(path))).toEqual([]);
});

test.each([
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'esnext', moduleResolution: 'bundler' },
])(
  'the example compiles under strict, with every declaration checked: $moduleResolution',
  async (modules) => {
    copyFileSync(`${root}docs/clients/typescript/checkout.test.ts`, join(project, 'checkout.test.ts'));
    write('tsconfig.json', {
      compilerOptions: {
        target: 'es2022',
        ...modules,
        strict: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
        typeRoots: [`${root}node_modules/@types`],
        types: ['node'],
      },
      files: ['checkout.test.ts'],
    });
    await compile('tsconfig.json');
  },
);

test('the contract compiles for a browser', async () => {
  writeFileSync(
    join(project, 'page.ts'),
    `import { create } from '@bufbuild/protobuf';
     import { MoneySchema } from 'payment-sim/gen/common/v1';
     import { type Payment, PaymentService } from 'payment-sim/gen/payment/v1';
     import * as all from 'payment-sim/gen';
     export const one: all.Money = create(MoneySchema, { amount: 1n, currency: 'KRW' });
     export const name: string = PaymentService.typeName;
     export const idOf = (payment: Payment): string => payment.paymentIntentId;`,
  );
  write('tsconfig.browser.json', {
    compilerOptions: {
      target: 'es2022',
      lib: ['es2022', 'dom'],
      module: 'esnext',
      moduleResolution: 'bundler',
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      types: [],
    },
    files: ['page.ts'],
  });
  await compile('tsconfig.browser.json');
});

test('a mistake in a type does not compile', async () => {
  writeFileSync(
    join(project, 'wrong.ts'),
    `import { startPaymentSim } from 'payment-sim';
     await startPaymentSim({ variables: { DEFAULT_SCENARIO: 'perhaps' } });`,
  );
  write('tsconfig.wrong.json', {
    extends: './tsconfig.json',
    compilerOptions: { skipLibCheck: true },
    files: ['wrong.ts'],
  });
  await expect(compile('tsconfig.wrong.json')).rejects.toThrow('perhaps');
});

test('the example runs: the simulator in the process of a test, over gRPC, with a verified webhook', async () => {
  const { stdout } = await run(process.execPath, ['--test', 'checkout.test.ts'], { cwd: project, env });
  expect(stdout).toMatch(/^. pass 2$/m);
  expect(stdout).toMatch(/^. fail 0$/m);
});

test.each([
  ['npx --no payment-sim', 'npx', ['--no', 'payment-sim']],
  ['the command itself', './node_modules/.bin/payment-sim', ['start', '--host', '127.0.0.1']],
])('%s runs the service until SIGTERM', async (_name, command, args) => {
  const service = spawn(command, args, {
    cwd: project,
    env: { ...env, HOST: '127.0.0.1', GRPC_PORT: '0', HEALTH_PORT: '0', EVENTBRIDGE: 'off' },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true, // a process group, as a terminal has one: npx does not pass signals on
  });
  const group = -(service.pid ?? Number.NaN);
  let isRunning = true;
  const ended = once(service, 'close').finally(() => (isRunning = false));
  onTestFinished(() => void (isRunning && process.kill(group, 'SIGKILL')));
  const lines = createInterface({ input: service.stdout })[Symbol.asyncIterator]();
  const ready = JSON.parse(String((await lines.next()).value)) as Record<string, unknown>;
  expect(ready).toMatchObject({ msg: 'Payment Sim is ready' });
  const health = await fetch(`http://127.0.0.1:${String(ready['ops_port'])}/health`);
  expect(await health.json()).toMatchObject({ status: 'healthy' });
  process.kill(group, 'SIGTERM');
  expect([(await lines.next()).value, (await lines.next()).value]).toEqual([
    expect.stringContaining('"Stopping"'),
    expect.stringContaining('"Stopped"'),
  ]);
  // npx itself ends by the signal.
  expect(await ended).toEqual(command === 'npx' ? [null, 'SIGTERM'] : [0, null]);
});

/** The system's, which may be too old; the tests of that are skipped where it is not, or where there is none. */
const systemNode = '/usr/bin/node';
const systemVersion =
  spawnSync(systemNode, ['--version'], { encoding: 'utf8' }).stdout?.trim().slice(1) ?? '';
const { node: oldest } = (
  JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { engines: { node: string } }
).engines;
const isOld =
  systemVersion !== '' && Number.parseFloat(systemVersion) < Number.parseFloat(oldest.replace('>=', ''));
const complaint = `payment-sim needs Node 22.20 or newer, this is ${systemVersion}`;

describe.skipIf(!isOld)('a Node that is too old', () => {
  test.each(['', 'worker', 'status', '--help'])('is told by payment-sim %s in one line', async (command) => {
    const args = command === '' ? [] : [command];
    const started = run(systemNode, ['node_modules/payment-sim/dist/main.js', ...args], { cwd: project });
    await expect(started).rejects.toMatchObject({ code: 1, stdout: '', stderr: `${complaint}\n` });
  });

  test.each([
    `await import('payment-sim')`,
    `await import('payment-sim').then((sim) => sim.startPaymentSim())`,
  ])('is told by %s', async (code) => {
    const started = run(systemNode, ['--input-type=module', '-e', code], { cwd: project });
    await expect(started).rejects.toThrow(`Error: ${complaint}`);
  });

  test.each(['start', 'worker', 'dev', 'status', 'check-env', 'aws:check', 'webhooks:resend', 'perf-test'])(
    'is told by npm run %s',
    async (script) => {
      const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
        scripts: Record<string, string>;
      };
      // As npm runs it, but without the Node that npm ci brings.
      const started = run('sh', ['-c', scripts[script] ?? ''], { cwd: root, env: { PATH: '/usr/bin:/bin' } });
      await expect(started).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining(complaint) as string,
      });
    },
  );
});

test('npx payment-sim worker says what it misses, and dev that it needs a checkout', async () => {
  await expect(run('npx', ['--no', 'payment-sim', 'dev'], { cwd: project, env })).rejects.toThrow(
    'payment-sim dev: it needs a checkout',
  );
  await expect(run('npx', ['--no', 'payment-sim', 'worker'], { cwd: project, env })).rejects.toThrow(
    'PAYMENT_WEBHOOK_QUEUE_URL',
  );
});

function write(name: string, content: object): void {
  writeFileSync(join(project, name), JSON.stringify(content));
}

/** Rejects with what the compiler said. */
async function compile(tsconfig: string): Promise<void> {
  await run(`${root}node_modules/.bin/tsc`, ['-p', tsconfig], { cwd: project }).catch((error: unknown) => {
    throw new Error((error as { stdout: string }).stdout);
  });
}
