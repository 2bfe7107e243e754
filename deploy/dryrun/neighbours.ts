import { startLocalAws } from '../../dev/local-aws.ts';
import { RedisMissingError, startRedisServer } from '../../dev/redis-server.ts';
import { startLocalReservationApi } from '../../dev/reservation-api.ts';
import { createLogger } from '../../src/observability/logger.ts';

/**
 * What service and worker find in the network of the dry run: stand-ins for AWS and the reservation
 * API, and a Redis where there is one on this machine.
 */
const logger = createLogger('info', process.stdout);
const aws = await startLocalAws({ eventBridgePort: 8051, sqsPort: 8052 });
const reservations = await startLocalReservationApi({ host: '127.0.0.1', port: 8010, logger });
const redis = await startRedisServer().catch((error: unknown) => {
  if (error instanceof RedisMissingError) {
    return undefined;
  }
  throw error;
});
logger.info({ redis: redis?.url ?? 'none' }, 'neighbours are ready');
process.on('SIGTERM', () => {
  void Promise.all([aws.stop(), reservations.stop(), redis?.stop()]).then(() => process.exit(0));
});
