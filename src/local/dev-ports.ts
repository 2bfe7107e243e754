import { createServer } from 'node:net';
import { ConfigError } from '../config.ts';
import { EnvironmentReader } from '../config-reader.ts';

/** The ports of `npm run dev`; 0 lets the system choose. */
export interface DevPorts {
  readonly api: number;
  readonly ops: number;
  readonly workerOps: number;
  readonly reservationApi: number;
  readonly webhooks: number;
  readonly eventBridge: number;
  readonly sqs: number;
}

/** Where each port comes from when it is not the usual one. */
const variables: Readonly<Record<keyof DevPorts, readonly [name: string, usual: number]>> = {
  api: ['GRPC_PORT', 8030],
  ops: ['HEALTH_PORT', 8031],
  workerOps: ['WORKER_HEALTH_PORT', 8041],
  reservationApi: ['DEV_RESERVATION_API_PORT', 8010],
  webhooks: ['DEV_WEBHOOK_PORT', 8050],
  eventBridge: ['DEV_EVENTBRIDGE_PORT', 8051],
  sqs: ['DEV_SQS_PORT', 8052],
};

/**
 * Reads the ports and sees that nobody listens at them.
 *
 * @throws ConfigError that names every variable with a wrong value or a port that is in use.
 */
export async function findDevPorts(
  env: Readonly<Record<string, string | undefined>>,
  host: string,
): Promise<DevPorts> {
  const read = new EnvironmentReader(env);
  const port = (of: keyof DevPorts) => read.integer(...variables[of], 0, 65_535);
  const ports: DevPorts = {
    api: port('api'),
    ops: port('ops'),
    workerOps: port('workerOps'),
    reservationApi: port('reservationApi'),
    webhooks: port('webhooks'),
    eventBridge: port('eventBridge'),
    sqs: port('sqs'),
  };
  const seen = new Map<number, string>();
  for (const [of, [name]] of typedEntries(variables)) {
    const number = ports[of];
    const other = seen.get(number);
    if (number !== 0 && other !== undefined) {
      read.mistake(name, `must differ from ${other}: both are ${number}`);
    } else if (!(await isFree(host, number))) {
      read.mistake(name, `is ${number}, a port in use on ${host}: stop what listens there, or set another`);
    }
    seen.set(number, name);
  }
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

function typedEntries<K extends string, V>(record: Readonly<Record<K, V>>): readonly [K, V][] {
  const keys = Object.keys(record).filter((key): key is K => key in record);
  return keys.map((key) => [key, record[key]]);
}
