import { timestampDate, type Timestamp } from '@bufbuild/protobuf/wkt';
import { type Command, Option } from 'commander';
import {
  CancelPaymentResponseSchema,
  GetPaymentStatusResponseSchema,
  ListPaymentsResponseSchema,
  type Payment,
  PaymentStatus,
} from '../../../gen/payment/v1/payment_pb.js';
import { formatAmount } from '../../base/amount-text.ts';
import { statusName } from '../common/life-line.ts';
import { printJson, printLine, printTable } from '../common/output.ts';
import { action, wholeNumber } from '../common/run-program.ts';
import { connectService, type ServiceOptions, withServiceOptions } from '../common/service.ts';

/* `payment-sim payments`: what the gateway has, and what its owner may do to it. */

const statuses = {
  pending: PaymentStatus.PENDING,
  completed: PaymentStatus.COMPLETED,
  failed: PaymentStatus.FAILED,
  cancelled: PaymentStatus.CANCELLED,
  refunded: PaymentStatus.REFUNDED,
  expired: PaymentStatus.EXPIRED,
} as const;

interface ListOptions extends ServiceOptions {
  readonly user?: string;
  readonly reservation?: string;
  readonly status?: keyof typeof statuses;
  readonly limit: number;
  readonly cursor?: string;
}

interface EndOptions extends ServiceOptions {
  readonly reason?: string;
  readonly amount?: number;
}

/** Adds `payments` and what stands under it. */
export function addPayments(program: Command): void {
  const payments = program
    .command('payments')
    .helpCommand(false)
    .helpGroup('Look and steer:')
    .description('lists and reads payments, cancels and refunds them');
  addList(payments);
  withServiceOptions(
    payments.command('get').argument('<id>').summary('reads one').description('Reads a payment.'),
  )
    .addHelpText('after', '\nExample:\n  payment-sim payments get pay-46292126-4740-43d9-87c4-1032705f9ef7')
    .action(action(getPayment));
  withServiceOptions(
    payments
      .command('cancel')
      .argument('<id>')
      .summary('cancels one that is pending')
      .description('Cancels a pending payment: it never settles.')
      .option('--reason <text>', 'what for'),
  )
    .addHelpText(
      'after',
      '\nExample:\n  payment-sim payments cancel pay-46292126-4740-43d9-87c4-1032705f9ef7',
    )
    .action(action((id: string, options: EndOptions) => endPayment('PENDING', id, options)));
  withServiceOptions(
    payments
      .command('refund')
      .argument('<id>')
      .summary('refunds one that is completed')
      .description('Refunds a completed payment: all that is left of it, or a part.')
      .option(
        '--amount <number>',
        'in minor units; all that is left',
        wholeNumber(1, Number.MAX_SAFE_INTEGER),
      )
      .option('--reason <text>', 'what for'),
  )
    .addHelpText(
      'after',
      '\nExample:\n  payment-sim payments refund pay-46292126-4740-43d9-87c4-1032705f9ef7 --amount 20000',
    )
    .action(action((id: string, options: EndOptions) => endPayment('COMPLETED', id, options)));
}

function addList(payments: Command): void {
  withServiceOptions(
    payments
      .command('list')
      .summary('lists them, the newest first')
      .description('Lists payments, the newest first.')
      .option('--user <id>', 'of one user')
      .option('--reservation <id>', 'of one reservation')
      .addOption(new Option('--status <status>', 'in one status').choices(Object.keys(statuses)))
      .option('--limit <number>', 'at most so many', wholeNumber(1, 1_000), 50)
      .option('--cursor <text>', 'goes on behind a list before'),
  )
    .addHelpText('after', '\nExample:\n  payment-sim payments list --status failed --user user-1')
    .action(action(listPayments));
}

async function listPayments({
  user,
  reservation,
  status,
  limit,
  cursor,
  ...where
}: ListOptions): Promise<boolean> {
  const answer = await connectService(where, true).payments.listPayments({
    userId: user ?? '',
    reservationId: reservation ?? '',
    status: status === undefined ? PaymentStatus.UNSPECIFIED : statuses[status],
    pagination: { pageSize: limit, ...(cursor !== undefined && { cursor }) },
  });
  if (where.json === true) {
    printJson(ListPaymentsResponseSchema, answer);
    return true;
  }
  printTable(
    ['PAYMENT', 'STATUS', 'AMOUNT', 'USER', 'RESERVATION', 'CREATED'],
    answer.payments.map((payment) => [
      payment.paymentIntentId,
      describeStatus(payment),
      amountText(payment.amount),
      payment.userId,
      payment.reservationId,
      timeText(payment.createdAt),
    ]),
  );
  const { nextCursor = '', totalCount = 0 } = answer.pageInfo ?? {};
  if (nextCursor !== '') {
    printLine(`${answer.payments.length} of ${totalCount}; more with --cursor ${nextCursor}`);
  }
  return true;
}

async function getPayment(id: string, options: ServiceOptions): Promise<boolean> {
  const answer = await connectService(options, true).payments.getPaymentStatus({ paymentIntentId: id });
  if (options.json === true) {
    printJson(GetPaymentStatusResponseSchema, answer);
    return true;
  }
  const { payment } = answer;
  if (payment === undefined) {
    throw new Error('the service has answered without a payment');
  }
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['payment', payment.paymentIntentId],
    ['status', describeStatus(payment)],
    ['amount', amountText(payment.amount)],
    ['given back', payment.refundedAmount === undefined ? '' : amountText(payment.refundedAmount)],
    ['user', payment.userId],
    ['reservation', payment.reservationId],
    ['transaction', payment.transactionId],
    ['created', timeText(payment.createdAt)],
    ['processed', timeText(payment.processedAt)],
    ['session', payment.sessionId],
    ['rule', payment.ruleId],
  ];
  for (const [name, value = ''] of rows) {
    if (value !== '') {
      printLine(`${name.padEnd(12)} ${value}`);
    }
  }
  return true;
}

/** Cancels or refunds: the contract has one call for both, which goes by the status of the payment. */
async function endPayment(
  wanted: 'PENDING' | 'COMPLETED',
  id: string,
  { reason = '', amount, ...where }: EndOptions,
): Promise<boolean> {
  const { payments } = connectService(where, false);
  const { payment } = await connectService(where, true).payments.getPaymentStatus({ paymentIntentId: id });
  const status = statusName(payment?.status ?? 0);
  if (status !== wanted) {
    const other = wanted === 'PENDING' ? 'refund' : 'cancel';
    const hint =
      status === (wanted === 'PENDING' ? 'COMPLETED' : 'PENDING')
        ? `; payment-sim payments ${other} does it`
        : '';
    throw new Error(`${id} is ${status}, not ${wanted}${hint}`);
  }
  const answer = await payments.cancelPayment({
    paymentIntentId: id,
    reason,
    ...(amount !== undefined && {
      refundAmount: { amount: BigInt(amount), currency: payment?.amount?.currency ?? '' },
    }),
  });
  if (where.json === true) {
    printJson(CancelPaymentResponseSchema, answer);
  } else {
    const given =
      answer.refundedAmount === undefined ? '' : `, ${amountText(answer.refundedAmount)} given back`;
    printLine(`${id} is ${statusName(answer.status)}${given}`);
  }
  return true;
}

function describeStatus({ status, failureCode }: Payment): string {
  return failureCode === '' ? statusName(status) : `${statusName(status)} (${failureCode})`;
}

function amountText(money: { readonly amount: bigint; readonly currency: string } | undefined): string {
  return money === undefined ? '' : formatAmount(money.amount, money.currency);
}

function timeText(time: Timestamp | undefined): string {
  return time === undefined ? '' : timestampDate(time).toISOString();
}
