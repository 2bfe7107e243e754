import cors from '@fastify/cors';
import { cors as connectHeaders } from '@connectrpc/connect';
import type { FastifyInstance } from 'fastify';

/** How long browsers may remember a preflight, in seconds; two hours is the most that Chromium does. */
const preflightMaxAgeSeconds = 7_200;

/** On answers of failed calls: the `request_id` of the log line. */
const requestIdHeader = 'X-Request-Id';

/** Request headers besides those of the protocols. */
const applicationHeaders = ['Authorization', 'Idempotency-Key', 'traceparent', 'tracestate', requestIdHeader];

/**
 * Lets pages of these origins call the service over Connect and gRPC-Web. Preflights are answered
 * before any other hook runs.
 *
 * @param origins `scheme://host[:port]`, or `*` for any; when empty nothing is added, and browsers
 * refuse cross-origin calls.
 */
export async function addCors(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) {
    return;
  }
  await app.register(cors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: [...connectHeaders.allowedMethods],
    allowedHeaders: [...connectHeaders.allowedHeaders, ...applicationHeaders],
    exposedHeaders: [...connectHeaders.exposedHeaders, requestIdHeader],
    maxAge: preflightMaxAgeSeconds,
  });
}
