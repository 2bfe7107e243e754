import { createLogger } from '../../src/observability/logger.ts';
import { startLocalAws } from '../../src/local/local-aws.ts';
import { startLocalReservationApi } from '../../src/local/reservation-api.ts';

/** What service and worker find in the network of the dry run: stand-ins for AWS and the reservation API. */
const logger = createLogger('info', process.stdout);
const aws = await startLocalAws({ eventBridgePort: 8051, sqsPort: 8052 });
const reservations = await startLocalReservationApi({ host: '127.0.0.1', port: 8010, logger });
logger.info({ queue: aws.queueUrl }, 'neighbours are ready');
process.on('SIGTERM', () => void Promise.all([aws.stop(), reservations.stop()]).then(() => process.exit(0)));
