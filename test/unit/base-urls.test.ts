import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/app/config.ts';
import { ConfigError } from '../../src/base/env/config-error.ts';
import { loadWorkerConfig } from '../../src/worker/config.ts';

type Environment = Readonly<Record<string, string>>;

const queue = { PAYMENT_WEBHOOK_QUEUE_URL: 'http://127.0.0.1:9/000000000000/queue' };
const loadWorker = (env: Environment) => loadWorkerConfig({ ...queue, ...env });

function messageOf(load: (env: Environment) => unknown, env: Environment): string {
  try {
    load(env);
    return '';
  } catch (error) {
    return error instanceof ConfigError ? error.message : String(error);
  }
}

/** Every variable of service and worker that is the URL of a server, but REDIS_URL, which has a password. */
describe.each([
  ['AWS_ENDPOINT_URL', loadConfig],
  ['AWS_ENDPOINT_URL_EVENTBRIDGE', loadConfig],
  ['AWS_ENDPOINT_URL_SQS', loadConfig],
  ['PAYMENT_WEBHOOK_DLQ_URL', loadConfig],
  ['CORS_ORIGINS', loadConfig],
  ['AWS_ENDPOINT_URL', loadWorker],
  ['PAYMENT_WEBHOOK_DLQ_URL', loadWorker],
  ['PAYMENT_WEBHOOK_QUEUE_URL', loadWorker],
  ['RESERVATION_API_URL', loadWorker],
] as const)('%s', (name, load) => {
  test.each([
    'http://user:hunter2@127.0.0.1:8010',
    'https://hunter2@example.com',
    'ftp://user:hunter2@example.com',
    'http://user:hunter2@a b',
    'user:hunter2@example.com',
  ])('with a password is refused, and the password is not shown: %s', (url) => {
    const message = messageOf(load, { [name]: url });
    expect(message).toMatch(new RegExp(`^  ${name} (?:must|is not) `, 'm'));
    expect(message).not.toContain('hunter2');
  });

  test('without one is taken', () => {
    expect(messageOf(load, { [name]: 'http://127.0.0.1:8010' })).toBe('');
  });
});
