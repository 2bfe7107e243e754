import cors from '@fastify/cors';
import { cors as connectHeaders } from '@connectrpc/connect';
import type { FastifyInstance } from 'fastify';
import { ruleHeader } from '../../contracts/steering/simulated-answer.ts';
import { requestIdHeader } from '../transport/refusals.ts';

/** How long browsers may remember a preflight, in seconds; two hours is the most that Chromium does. */
const preflightMaxAgeSeconds = 7_200;

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
    // No list of headers: the plugin then allows those that the preflight asks for. The service ignores
    // headers that it does not know, and no call relies on cookies, so that a list would protect nothing;
    // but pages whose tools add headers of their own (`baggage`, `sentry-trace`) could not call. `*` would
    // not do: it leaves out `Authorization`, https://fetch.spec.whatwg.org/#http-new-header-syntax.
    exposedHeaders: [...connectHeaders.exposedHeaders, requestIdHeader, ruleHeader],
    maxAge: preflightMaxAgeSeconds,
  });
}
