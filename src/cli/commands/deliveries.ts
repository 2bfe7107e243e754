import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type Command, Option } from 'commander';
import { SimulatedChannel } from '../../../gen/payment/v1/payment_pb.js';
import {
  type Delivery,
  DeliveryStatus,
  ListDeliveriesResponseSchema,
  ResendDeliveriesRequestSchema,
  ResendDeliveriesResponseSchema,
} from '../../../gen/simulator/v1/simulator_pb.js';
import { systemClock } from '../../base/clock.ts';
import { allSessions } from '../../simulator/session.ts';
import { UsageError } from '../common/cli-error.ts';
import { statusName } from '../common/life-line.ts';
import { printJson, printLine, printTable } from '../common/output.ts';
import { action, envFileOption, wholeNumber } from '../common/run-program.ts';
import { connectService, type ServiceOptions, withServiceOptions } from '../common/service.ts';
import { readSince } from './since.ts';

/* `payment-sim deliveries`: webhooks and events, with what became of them. */

const statuses = {
  waiting: DeliveryStatus.WAITING,
  delivered: DeliveryStatus.DELIVERED,
  given_up: DeliveryStatus.GIVEN_UP,
  simulated: DeliveryStatus.SIMULATED,
} as const;

interface ListOptions extends ServiceOptions {
  readonly payment?: string;
  readonly status?: keyof typeof statuses;
  readonly limit: number;
}

interface ResendOptions extends ServiceOptions {
  readonly since?: string;
  readonly payment?: string;
  readonly event?: string;
  readonly dryRun?: true;
}

/** Adds `deliveries` and what stands under it. */
export function addDeliveries(program: Command): void {
  const deliveries = program
    .command('deliveries')
    .helpCommand(false)
    .helpGroup('Look and steer:')
    .description('lists webhooks and events, and sends them again');
  withServiceOptions(
    deliveries
      .command('list')
      .summary('lists them, those of the last payment first')
      .description('Lists webhooks and events with what became of them, those of the last payment first.')
      .option('--payment <id>', 'of one payment')
      .addOption(new Option('--status <status>', 'in one status').choices(Object.keys(statuses)))
      .option('--limit <number>', 'at most so many', wholeNumber(1, 1_000), 50),
  )
    .addHelpText('after', '\nExample:\n  payment-sim deliveries list --status given_up')
    .action(action(listDeliveries));
  addResend(deliveries);
}

function addResend(deliveries: Command): void {
  withServiceOptions(
    deliveries
      .command('resend')
      .summary('sends events again')
      .description(
        'Has the service send events again. Without --since, --payment and --event reads log lines from standard input instead, and sends the webhooks again that were given up.',
      )
      .addOption(
        new Option(
          '--since <time>',
          'all that was given up since 2026-01-01T09:00:00Z, or 30m, 2h or 1d ago',
        ).conflicts(['payment', 'event']),
      )
      .addOption(new Option('--payment <id>', 'every event of a payment').conflicts('event'))
      .option('--event <id>', 'one event')
      .option('--dry-run', 'says which, and sends nothing')
      .addOption(envFileOption()),
  )
    .addHelpText(
      'after',
      `
Examples:
  payment-sim deliveries resend --since 2h --dry-run
  kubectl logs deploy/payment-sim | payment-sim deliveries resend --env-file .env`,
    )
    .action(action(resend));
}

async function listDeliveries({ payment, status, limit, ...where }: ListOptions): Promise<boolean> {
  const answer = await connectService(where, true).simulator.listDeliveries({
    paymentIntentId: payment ?? '',
    status: status === undefined ? DeliveryStatus.UNSPECIFIED : statuses[status],
    pageSize: limit,
  });
  if (where.json === true) {
    printJson(ListDeliveriesResponseSchema, answer);
    return true;
  }
  printTable(['EVENT', 'PAYMENT', 'TELLS', 'TO', 'STATUS', 'ATTEMPTS', 'WHY'], answer.deliveries.map(toRow));
  return true;
}

function toRow(delivery: Delivery): readonly string[] {
  const { eventId, paymentIntentId, paymentStatus, status, attempts, error } = delivery;
  return [
    eventId,
    paymentIntentId,
    statusName(paymentStatus),
    receiverOf(delivery),
    DeliveryStatus[status] ?? String(status),
    String(attempts.length),
    error,
  ];
}

function receiverOf({ channel, url }: Delivery): string {
  return channel === SimulatedChannel.WEBHOOK ? url : 'EventBridge';
}

async function resend({ since, payment, event, dryRun, ...where }: ResendOptions): Promise<boolean> {
  const which = whichOf(since, payment, event);
  if (which === undefined) {
    if (where.json === true) {
      throw new UsageError('--json is for --since, --payment and --event');
    }
    // Loaded only here: it needs all of the configuration.
    const { resendFromLog } = await import('./resend-from-log.ts');
    return await resendFromLog(dryRun === true);
  }
  const { simulator } = connectService({ session: allSessions, ...where }, false);
  const answer = await simulator.resendDeliveries(
    create(ResendDeliveriesRequestSchema, { which, dryRun: dryRun === true }),
  );
  if (where.json === true) {
    printJson(ResendDeliveriesResponseSchema, answer);
    return true;
  }
  const { deliveries, total } = answer;
  for (const delivery of deliveries) {
    printLine(`${delivery.eventId} ${delivery.paymentIntentId} ${receiverOf(delivery)}`);
  }
  if (total > deliveries.length) {
    printLine(`and ${total - deliveries.length} more`);
  }
  const done = dryRun === true ? 'found' : 'sent again; payment-sim deliveries list tells how they fare';
  printLine(`${total} ${done}`);
  return true;
}

function whichOf(since: string | undefined, payment: string | undefined, event: string | undefined) {
  if (since !== undefined) {
    return { case: 'givenUpSince' as const, value: timestampFromMs(readSince(since, systemClock.now())) };
  }
  if (payment !== undefined) {
    return { case: 'paymentIntentId' as const, value: payment };
  }
  return event === undefined ? undefined : { case: 'eventId' as const, value: event };
}
