import { fastify } from 'fastify';
import { isJsonObject } from '../src/base/json.ts';
import type { Logger } from '../src/observability/logger.ts';
import { guardHttp1Server } from '../src/server/transport/guard-http1.ts';

/** HOLD may become either of the others, and CONFIRMED becomes CANCELLED when its payment is refunded. */
type LocalReservationStatus = 'HOLD' | 'CONFIRMED' | 'CANCELLED';

/** A server that is running. */
export interface LocalServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** How many reservations are remembered; the oldest are forgotten first. */
const maxReservations = 10_000;

/**
 * A substitute for the reservation service in development: every id has a reservation, in HOLD until it
 * is updated.
 *
 * `PATCH /internal/reservations/{id}` with `{"status": "CONFIRMED" | "CANCELLED"}` answers 200, or 409
 * when the reservation is CANCELLED and is to be CONFIRMED; the other way a refund goes. `GET` shows it.
 */
export async function startLocalReservationApi(options: {
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
}): Promise<LocalServer> {
  const { host, port, logger } = options;
  const reservations = new Map<string, LocalReservationStatus>();
  const app = fastify({ forceCloseConnections: true });
  guardHttp1Server(app.server);

  app.get<{ Params: { id: string } }>('/internal/reservations/:id', ({ params: { id } }, reply) =>
    reply.send({ reservation_id: id, status: reservations.get(id) ?? 'HOLD' }),
  );

  app.patch<{ Params: { id: string } }>('/internal/reservations/:id', ({ params: { id }, body }, reply) => {
    const wanted = isJsonObject(body) ? body['status'] : undefined;
    if (wanted !== 'CONFIRMED' && wanted !== 'CANCELLED') {
      return reply.code(400).send({ error: 'status must be CONFIRMED or CANCELLED' });
    }
    const current = reservations.get(id) ?? 'HOLD';
    if (current === wanted) {
      logger.info({ reservation_id: id }, `Reservation is ${current} already`);
    } else if (current !== 'CANCELLED') {
      set(id, wanted);
      logger.info({ reservation_id: id }, `Reservation ${current} -> ${wanted}`);
    } else {
      logger.warn({ reservation_id: id }, `Reservation stays ${current}: it cannot become ${wanted}`);
      return reply.code(409).send({ reservation_id: id, status: current });
    }
    return reply.send({ reservation_id: id, status: wanted });
  });

  function set(id: string, status: LocalReservationStatus): void {
    reservations.set(id, status);
    for (const oldest of reservations.keys()) {
      if (reservations.size <= maxReservations) {
        break;
      }
      reservations.delete(oldest);
    }
  }

  return { url: await app.listen({ host, port }), stop: () => app.close() };
}
