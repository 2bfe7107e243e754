import type { FastifyRequest } from 'fastify';

/**
 * A Fastify hook, for `preHandler`, that hands Connect's handlers the body of a POST as an iterable of
 * its own. That of connect-node destroys the request when the handler reads no further, upon which Node
 * neither reads what is left nor the next request of the connection.
 */
export async function handOverBody(request: FastifyRequest): Promise<void> {
  if (request.method === 'POST') {
    request.body = request.raw.iterator({ destroyOnReturn: false });
  }
}
