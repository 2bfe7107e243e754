import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { expect, type TestContext } from 'vitest';
import { type LocalAws, type LocalAwsOptions, startLocalAws } from '../../dev/local-aws.ts';
import { loadWorkerConfig } from '../../src/worker/config.ts';
import { buildWorker, type Worker } from '../../src/worker/worker.ts';

/** The test that something is started for; tests run concurrently, so each says who it is. */
export type Test = Pick<TestContext, 'onTestFinished'>;

/** The queues, with what a test asks of them. */
export interface Queues {
  readonly aws: LocalAws;
  readonly client: SQSClient;
  send(...bodies: readonly string[]): Promise<void>;
  /** How many messages are in the main queue: to be received, and received but not deleted. */
  count(): Promise<{ readonly visible: number; readonly hidden: number }>;
  /** Receives from the dead-letter queue until `count` messages are in. */
  deadLetters(count: number): Promise<readonly Message[]>;
}

/** Starts local AWS; it stops when the test is finished. */
export async function startQueues({ onTestFinished }: Test, options: LocalAwsOptions = {}): Promise<Queues> {
  const aws = await startLocalAws(options);
  const client = aws.createSqsClient();
  onTestFinished(async () => {
    client.destroy();
    await aws.stop();
  });
  return {
    aws,
    client,
    async send(...bodies) {
      for (let start = 0; start < bodies.length; start += 10) {
        const { Failed: failed = [] } = await client.send(
          new SendMessageBatchCommand({
            QueueUrl: aws.queueUrl,
            Entries: bodies
              .slice(start, start + 10)
              .map((MessageBody, index) => ({ Id: String(index), MessageBody })),
          }),
        );
        expect(failed).toEqual([]);
      }
    },
    async count() {
      const { Attributes = {} } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl: aws.queueUrl, AttributeNames: ['All'] }),
      );
      return {
        visible: Number(Attributes.ApproximateNumberOfMessages),
        hidden: Number(Attributes.ApproximateNumberOfMessagesNotVisible),
      };
    },
    async deadLetters(count) {
      const messages: Message[] = [];
      while (messages.length < count) {
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({
            QueueUrl: aws.deadLetterQueueUrl,
            MaxNumberOfMessages: 10,
            MessageAttributeNames: ['All'],
            WaitTimeSeconds: 5,
          }),
        );
        messages.push(...Messages);
      }
      return messages;
    },
  };
}

/** The environment of a worker on these queues. */
export function workerEnvironment(
  { aws }: Queues,
  env: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    HOST: '127.0.0.1',
    WORKER_HEALTH_PORT: '0',
    LOG_LEVEL: 'debug',
    AWS_REGION: aws.region,
    AWS_ENDPOINT_URL_SQS: aws.sqsUrl,
    PAYMENT_WEBHOOK_QUEUE_URL: aws.queueUrl,
    PAYMENT_WEBHOOK_DLQ_URL: aws.deadLetterQueueUrl,
    WORKER_POLL_WAIT_SECONDS: '1',
    WORKER_POLLERS: '2',
    WORKER_RETRY_BASE_MS: '1',
    ...env,
  };
}

/** A worker in this process, with its log lines kept. */
export interface RunningWorker {
  readonly worker: Worker;
  readonly opsUrl: string;
  logs(message?: string): readonly Record<string, unknown>[];
  /** Resolves when there are `count` lines with this message. */
  waitForLogs(message: string, count: number): Promise<void>;
  /** The value of a metric, 0 when it has none; label values as Prometheus prints them, `name{a="b"}`. */
  metric(nameWithLabels: string): Promise<number>;
}

/** Starts a worker; it stops when the test is finished. */
export async function startWorker(
  { onTestFinished }: Test,
  queues: Queues,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningWorker> {
  const lines: Record<string, unknown>[] = [];
  const waiters = new Set<() => void>();
  const worker = await buildWorker(loadWorkerConfig(workerEnvironment(queues, env)), {
    logDestination: {
      write(line: string) {
        lines.push(JSON.parse(line) as Record<string, unknown>);
        waiters.forEach((check) => check());
      },
    },
  });
  const { opsPort } = await worker.start();
  onTestFinished(() => worker.stop());
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  const logs = (msg?: string) => lines.filter((line) => msg === undefined || line['msg'] === msg);
  return {
    worker,
    opsUrl,
    logs,
    async waitForLogs(msg, count) {
      await new Promise<void>((resolve) => {
        function check(): void {
          if (logs(msg).length >= count) {
            waiters.delete(check);
            resolve();
          }
        }
        waiters.add(check);
        check();
      });
    },
    async metric(nameWithLabels) {
      const text = await (await fetch(`${opsUrl}/metrics`)).text();
      const line = text.split('\n').find((candidate) => candidate.startsWith(`${nameWithLabels} `));
      return line === undefined ? 0 : Number(line.slice(nameWithLabels.length + 1));
    },
  };
}

/** A call that the reservation API got. */
export interface ReservationCall {
  readonly method: string;
  readonly path: string;
  readonly idempotencyKey: string | undefined;
  readonly body: unknown;
}

/** A server that stands where the reservation API would. */
export interface FakeReservationApi {
  readonly url: string;
  readonly calls: readonly ReservationCall[];
  /** Resolves when `count` calls are in. */
  waitFor(count: number): Promise<void>;
}

/** Starts a reservation API that answers 200, or whatever `answer` does. */
export async function startReservationApi(
  { onTestFinished }: Test,
  answer: (response: ServerResponse, call: ReservationCall) => void = (response) => response.end('{}'),
  port = 0,
): Promise<FakeReservationApi> {
  const calls: ReservationCall[] = [];
  const waiters = new Set<() => void>();
  const server = createServer((request, response) => {
    // Ports are given out again: whoever looks for a server that had this one before finds nothing.
    if (request.url?.includes('/internal/reservations/') !== true) {
      response.writeHead(404).end();
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const call: ReservationCall = {
        method: request.method ?? '',
        path: request.url ?? '',
        idempotencyKey: request.headers['idempotency-key'] as string | undefined,
        body: text === '' ? undefined : JSON.parse(text),
      };
      calls.push(call);
      answer(response, call);
      waiters.forEach((check) => check());
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async waitFor(count) {
      await new Promise<void>((resolve) => {
        function check(): void {
          if (calls.length >= count) {
            waiters.delete(check);
            resolve();
          }
        }
        waiters.add(check);
        check();
      });
    },
  };
}

/** The detail of a payment event. */
export function detail(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    payment_id: 'pay-1',
    reservation_id: 'reservation-1',
    status: 'PAYMENT_STATUS_COMPLETED',
    amount: 120_000,
    currency: 'KRW',
    timestamp: 1_767_225_600,
    event_type: 'payment.status_updated',
    event_id: 'evt-1',
    user_id: 'user-1',
    ...changes,
  };
}

/** A message as EventBridge puts it into the queue. */
export function message(changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    version: '0',
    id: '6a7e8feb-b491-4cf7-a9f1-bf3703467718',
    'detail-type': 'Payment Status Updated',
    source: 'payment-sim-api',
    account: '000000000000',
    time: '2026-01-01T00:00:00Z',
    region: 'ap-northeast-2',
    resources: [],
    detail: detail(changes),
  });
}
