import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildImage, type Image } from './build-image.ts';
import { reportSizes } from './report-sizes.ts';
import {
  canMakeNamespaces,
  type Container,
  layUsrLocal,
  startContainer,
  startInOwnNetwork,
} from './sandbox.ts';

/**
 * `npm run docker:dryrun`: carries out the Dockerfile without a Docker engine, and runs service and
 * worker from what it makes as Docker would: node as process 1, uid 1001, no privileges, nothing
 * writable, a network of its own. Needs Linux, root, and util-linux.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));

/** The worker shares the network, and so the ports, of the service here. */
const workerVariables = {
  WORKER_HEALTH_PORT: '8041',
  HEALTH_PORT: '8041',
  AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:8052',
  PAYMENT_WEBHOOK_QUEUE_URL: 'http://127.0.0.1:8052/000000000000/payment-webhook',
  RESERVATION_API_URL: 'http://127.0.0.1:8010',
  WORKER_POLL_WAIT_SECONDS: '1',
};
const serviceVariables = {
  DEFAULT_DELAY_MS: '100',
  EVENTBRIDGE: 'on',
  AWS_ENDPOINT_URL_EVENTBRIDGE: 'http://127.0.0.1:8051',
};

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function check(condition: boolean, what: string, container?: Container): void {
  if (!condition) {
    throw new Error(`not so: ${what}\n${container?.output() ?? ''}`);
  }
  say(`ok  ${what}`);
}

async function until(condition: () => boolean, seconds: number): Promise<boolean> {
  const end = performance.now() + seconds * 1000;
  while (!condition()) {
    if (performance.now() > end) {
      return false;
    }
    await wait(100);
  }
  return true;
}

/** What holds for any container of this image. */
async function checkContainer(name: string, container: Container, image: Image): Promise<void> {
  const healthcheck = image.stage.healthcheck ?? [];
  check(
    await until(() => container.exec(healthcheck) !== undefined, 30),
    `${name}: HEALTHCHECK ${healthcheck.join(' ')} succeeds`,
    container,
  );
  const status = readFileSync(`/proc/${container.pid}/status`, 'utf8');
  check(
    /^Uid:(\s+1001){4}$/m.test(status) && /^CapEff:\s+0+$/m.test(status),
    `${name}: runs as uid 1001 without privileges`,
  );
  check(
    /^NSpid:.*\s1$/m.test(status) &&
      readFileSync(`/proc/${container.pid}/cmdline`, 'utf8').startsWith('node\0'),
    `${name}: node is process 1`,
  );
  for (const file of ['/app/dist/new', '/app/compile-cache/new', '/tmp/new']) {
    const wrote = container.exec(['node', '-e', `fs.writeFileSync('${file}', '')`]);
    check(wrote === undefined, `${name}: ${file} cannot be written`);
  }
}

/** The cache that was made while building must be taken by the user and the Node that run. */
function checkCompileCache(container: Container): void {
  const said = container.exec([
    'env',
    'NODE_DEBUG_NATIVE=COMPILE_CACHE',
    'sh',
    '-c',
    `node -e "import('./dist/app/app.js')" 2>&1`,
  ]);
  const accepted = said?.match(/ was accepted/g)?.length ?? 0;
  check(accepted > 50, `service: ${accepted} modules come from the compile cache`);
}

async function checkStop(name: string, container: Container): Promise<void> {
  check((await container.stop()) === 0, `${name}: SIGTERM ends it with exit code 0`, container);
}

/** Makes a call from inside the containers' network; answers the HTTP status and the body. */
function call(networkPid: number, port: number, method: string, message: object): string {
  const script = `
    const answer = await fetch('http://127.0.0.1:${port}/payment.v1.PaymentService/${method}', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: process.argv[1],
    });
    console.log(answer.status, await answer.text());`;
  const node = [process.execPath, '--input-type=module', '--eval', script, JSON.stringify(message)];
  return execFileSync('nsenter', ['--target', String(networkPid), '--net', ...node], {
    encoding: 'utf8',
  }).trim();
}

function createPayment(networkPid: number, port: number): string {
  const amount = { amount: 120_000, currency: 'KRW' };
  const message = { reservation_id: 'reservation-1', user_id: 'user-1', amount };
  return call(networkPid, port, 'CreatePaymentIntent', message);
}

function isPending(answer: string): boolean {
  return /^200 .*PAYMENT_STATUS_PENDING/.test(answer);
}

/** Two containers, whose ports differ because they share a network here, know the same payment. */
async function checkReplicas(start: Start, redisUrl: string, networkPid: number): Promise<void> {
  const variables = { EVENTBRIDGE: 'off', REDIS_URL: redisUrl };
  const replicas = [
    await start(['start'], variables),
    await start(['start'], { ...variables, GRPC_PORT: '18030', HEALTH_PORT: '18031' }),
  ];
  for (const [index, replica] of replicas.entries()) {
    const isReady = () => replica.output().includes('Payment Sim is ready');
    check(await until(isReady, 30), `replica ${index + 1}: is ready, with its state in Redis`, replica);
  }
  const created = createPayment(networkPid, 8030);
  check(isPending(created), `replica 1: CreatePaymentIntent answers ${created}`, replicas[0]);
  const id = /pay-[0-9a-f-]+/.exec(created)?.[0];
  const found = call(networkPid, 18030, 'GetPaymentStatus', { payment_intent_id: id });
  check(found.startsWith('200 '), 'replica 2: GetPaymentStatus knows it', replicas[1]);
  for (const [index, replica] of replicas.entries()) {
    await checkStop(`replica ${index + 1}`, replica);
  }
}

type Start = (command: readonly string[], variables: Readonly<Record<string, string>>) => Promise<Container>;

async function runContainers(image: Image, usrLocal: string): Promise<void> {
  const { stage } = image;
  const neighbours = startInOwnNetwork(
    [process.execPath, join(root, 'deploy/dryrun/neighbours.ts')],
    process.env,
  );
  const running: Container[] = [];
  const start: Start = async (command, variables) => {
    const container = await startContainer(
      {
        root: image.root,
        workdir: stage.workdir,
        user: stage.user,
        env: { ...stage.env, ...variables },
        command: [...stage.entrypoint, ...command],
      },
      usrLocal,
      neighbours.pid,
    );
    running.push(container);
    return container;
  };
  try {
    check(
      await until(() => neighbours.output().includes('neighbours are ready'), 30),
      'stand-ins for AWS and the reservation API are there',
    );
    const service = await start(stage.command, serviceVariables);
    await checkContainer('service', service, image);
    checkCompileCache(service);
    const worker = await start(['worker'], workerVariables);
    await checkContainer('worker', worker, image);
    const answer = createPayment(neighbours.pid, 8030);
    check(isPending(answer), `service: CreatePaymentIntent answers ${answer}`, service);
    check(
      await until(() => neighbours.output().includes('HOLD -> CONFIRMED'), 30),
      'worker: the reservation is confirmed, by way of EventBridge and SQS',
      worker,
    );
    await checkStop('service', service);
    await checkStop('worker', worker);
    const redisUrl = /"redis":"(redis:[^"]+)"/.exec(neighbours.output())?.[1];
    if (redisUrl === undefined) {
      say('--  no redis-server on this machine: replicas with Redis are not checked');
    } else {
      await checkReplicas(start, redisUrl, neighbours.pid);
    }
  } finally {
    for (const { pid } of running) {
      endAtOnce(pid);
    }
    neighbours.stop();
  }
}

function endAtOnce(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

if (!canMakeNamespaces()) {
  process.stderr.write(
    'docker:dryrun needs Linux and root with the right to make namespaces (CAP_SYS_ADMIN); with Docker, use docker build\n',
  );
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), 'payment-sim-image-'));
try {
  const usrLocal = join(folder, 'usr-local');
  layUsrLocal(usrLocal);
  const image = buildImage(root, folder, usrLocal);
  await runContainers(image, usrLocal);
  reportSizes(image, say);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
