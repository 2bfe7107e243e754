import { createServer } from 'node:net';
import { ConfigError } from '../src/base/env/config-error.ts';
import { EnvironmentReader } from '../src/base/env/config-reader.ts';

/** The ports of `npm run dev`; 0 lets the system choose. */
export interface DevPorts {
  readonly api: number;
  /** One for each replica. */
  readonly ops: readonly number[];
  readonly workerOps: number;
  readonly reservationApi: number;
  readonly webhooks: number;
  readonly eventBridge: number;
  readonly sqs: number;
}

/**
 * Reads the ports and checks that they are free by listening at each for a moment.
 *
 * @param replicas of the service; the first has HEALTH_PORT, the others those that follow it.
 * @throws ConfigError that names every variable with a wrong value or a port that is in use.
 */
export async function findDevPorts(
  env: Readonly<Record<string, string | undefined>>,
  host: string,
  replicas: number,
): Promise<DevPorts> {
  const read = new EnvironmentReader(env);
  /** By port, all but 0, the variable that it comes from. */
  const taken = new Map<number, string>();
  async function claim(name: string, port: number): Promise<number> {
    const other = taken.get(port);
    if (port !== 0 && other !== undefined) {
      read.mistake(name, `must differ from ${other}: both are ${port}`);
    } else if (!(await isFree(host, port))) {
      read.mistake(name, `is ${port}, a port in use on ${host}: stop what listens there, or set another`);
    }
    taken.set(port, name);
    return port;
  }
  const port = (name: string, usual: number) => claim(name, read.integer(name, usual, 0, 65_535));

  const api = await port('GRPC_PORT', 8030);
  const ops = [await port('HEALTH_PORT', 8031)];
  for (let replica = 2; replica <= replicas; replica += 1) {
    const last = ops.at(-1) ?? 0;
    ops.push(await claim(`HEALTH_PORT of replica ${replica}`, last === 0 ? 0 : last + 1));
  }
  const ports: DevPorts = {
    api,
    ops,
    workerOps: await port('WORKER_HEALTH_PORT', 8041),
    reservationApi: await port('DEV_RESERVATION_API_PORT', 8010),
    webhooks: await port('DEV_WEBHOOK_PORT', 8050),
    eventBridge: await port('DEV_EVENTBRIDGE_PORT', 8051),
    sqs: await port('DEV_SQS_PORT', 8052),
  };
  if (read.mistakes.length > 0) {
    throw new ConfigError(read.mistakes);
  }
  return ports;
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    return true;
  } catch {
    return false;
  } finally {
    await new Promise((resolve) => {
      server.close(resolve);
    });
  }
}
