import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/app/config.ts';
import { ConfigError } from '../../src/base/env/config-error.ts';
import { loadWorkerConfig } from '../../src/worker/config.ts';

type Load = (env: Record<string, string>) => unknown;

const queue = { PAYMENT_WEBHOOK_QUEUE_URL: 'http://sqs.example/1/payments' };

/** Every variable that is an address, and what reads it. */
const variables: readonly (readonly [name: string, load: Load])[] = [
  ['RESERVATION_API_URL', (env) => loadWorkerConfig({ ...queue, ...env }).reservationApiUrl],
  ['PAYMENT_WEBHOOK_QUEUE_URL', (env) => loadWorkerConfig(env).queueUrl],
  ['PAYMENT_WEBHOOK_DLQ_URL', (env) => loadWorkerConfig({ ...queue, ...env }).deadLetterQueueUrl],
  ['PAYMENT_WEBHOOK_DLQ_URL', (env) => loadConfig(env).deadLetterQueueUrl],
  ['AWS_ENDPOINT_URL', (env) => loadConfig(env).aws.sqsUrl],
  ['AWS_ENDPOINT_URL', (env) => loadWorkerConfig({ ...queue, ...env }).aws.eventBridgeUrl],
  ['AWS_ENDPOINT_URL_EVENTBRIDGE', (env) => loadConfig(env).aws.eventBridgeUrl],
  ['AWS_ENDPOINT_URL_SQS', (env) => loadConfig(env).aws.sqsUrl],
];

function mistakeOf(load: Load, name: string, value: string): string {
  try {
    return String(load({ [name]: value }));
  } catch (error) {
    return error instanceof ConfigError ? error.mistakes.join() : String(error);
  }
}

describe.each(variables)('%s', (name, load) => {
  test.each([
    ['http://exam\u200bple.com', 'must be without control and invisible characters, and has U+200B'],
    ['http://example.com/\u202eb', 'must be without control and invisible characters, and has U+202E'],
    ['http://exam\u00adple.com', 'must be without control and invisible characters, and has U+00AD'],
    ['http://example.com/a b', 'must be without blanks and backslashes'],
    ['http:\\\\example.com', 'must start with http:// or https:// and a host'],
    ['http:example.com', 'must start with http:// or https:// and a host'],
    ['localhost:4566', 'must start with http:// or https://'],
    ['example', 'is not an absolute URL'],
    ['http://user:hunter2@example.com', 'must not carry credentials'],
    ['http://0.0.0.0:9000', 'must have another host: 0.0.0.0 is no address to call; use 127.0.0.1'],
    ['http://[::]:9000', 'must have another host: [::] is no address to call; use [::1]'],
  ])('refuses %j', (value, problem) => {
    const mistake = mistakeOf(load, name, value);
    expect(mistake).toContain(`${name} ${problem}`);
    expect(mistake).not.toContain('hunter2');
  });

  test('is the address that is called', () => {
    expect(load({ [name]: 'http://localhost:4566' })).toBe('http://localhost:4566');
    expect(load({ [name]: 'http://localhost:4566/a/' })).toBe('http://localhost:4566/a/');
    expect(load({ [name]: 'HTTP://LocalHost:80/A' })).toBe('http://localhost/A');
  });
});

test('RESERVATION_API_URL is a base', () => {
  for (const value of ['http://a.example/?b', 'http://a.example/?', 'http://a.example/#c']) {
    const load: Load = (env) => loadWorkerConfig({ ...queue, ...env });
    expect(mistakeOf(load, 'RESERVATION_API_URL', value)).toContain('must be without a query or fragment');
  }
});

test.each([
  ['REDIS_URL', 'redis://redis.exam\u200bple'],
  ['PAYMENT_EVENT_SOURCE', 'pay\u00adment'],
])('%s must be visible', (name, value) => {
  expect(mistakeOf(loadConfig, name, value)).toContain(`${name} must`);
});
