import type { FastifyInstance } from 'fastify';

/**
 * Keeps Fastify from reading bodies by itself, before it is known whether anybody wants them: it would
 * hold up to 1 MiB of each, and answer what it cannot parse in a shape of its own.
 */
export function leaveBodiesUnread(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
}
