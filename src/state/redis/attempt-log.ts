import { createIORedisClient, type IRedisClient } from 'bullmq';
import type { AttemptLog, LoggedAttempt } from '../../delivery/ports.ts';
import type { RedisClient } from './redis-clients.ts';
import { attemptsKey } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { runScript } from './redis-scripts.ts';
import { createLoopBatch } from './loop-batch.ts';
import type { Shards } from './shards.ts';

interface RedisAttemptLogDeps {
  readonly client: RedisClient;
  readonly link: RedisLink;
  readonly shards: Pick<Shards, 'of'>;
  /** Attempts leave this long after their event occurred, in milliseconds. */
  readonly ttlMs: number;
  /** At most this many attempts at an event; beyond it the first leave. */
  readonly maxAttempts: number;
}

type NotedAttempt = readonly [
  attempt: number,
  startedAtMs: number,
  durationMs: number,
  statusCode: number | null,
  error: string | null,
];

interface Note {
  readonly key: string;
  readonly attempt: string;
  readonly expiresAtMs: number;
}

/** No command to Redis takes more attempts than this. */
const maxPerCommand = 64;

/** Webhook attempts in Redis, a list for each event. */
export function createRedisAttemptLog(deps: RedisAttemptLogDeps): AttemptLog {
  const { client, link, shards } = deps;
  const commands: IRedisClient = createIORedisClient(client);

  const note = createLoopBatch<Note, unknown>({
    maxSize: maxPerCommand,
    maxInFlight: 4,
    run: (_shard, notes) =>
      link.run(async () => {
        const keys = notes.map(({ key }) => key);
        const values = notes.flatMap(({ attempt, expiresAtMs }) => [attempt, expiresAtMs]);
        await runScript(commands, 'paymentSimNote', keys, [deps.maxAttempts, ...values]);
        return notes;
      }),
  });

  return {
    async record(event, attempt) {
      const shard = shards.of(event.payment.id);
      await note(shard, {
        key: attemptsKey(event.id, shard),
        attempt: encode(attempt),
        expiresAtMs: event.occurredAtMs + deps.ttlMs,
      });
    },

    async list(paymentId, eventId) {
      const key = attemptsKey(eventId, shards.of(paymentId));
      return (await link.run(() => client.lrange(key, 0, -1))).map(decode);
    },

    close: () => Promise.resolve(),
  };
}

function encode(attempt: LoggedAttempt): string {
  const noted: NotedAttempt = [
    attempt.attempt,
    attempt.startedAtMs,
    attempt.durationMs,
    attempt.statusCode ?? null,
    attempt.error ?? null,
  ];
  return JSON.stringify(noted);
}

function decode(json: string): LoggedAttempt {
  const noted: NotedAttempt = JSON.parse(json);
  const [attempt, startedAtMs, durationMs, statusCode, error] = noted;
  return {
    attempt,
    startedAtMs,
    durationMs,
    statusCode: statusCode ?? undefined,
    error: error ?? undefined,
  };
}
