import { formatAmount } from '../base/amount-text.ts';
import type { Look, Paint } from '../base/paint.ts';
import { formatSpan, formatTold, type Told } from '../base/told-line.ts';

/* The log for people at a terminal: LOG_FORMAT=pretty. Each line of the JSON log becomes one for the eye. */

type Fields = Readonly<Record<string, unknown>>;
/** What a line says beside its time. */
type Saying = Omit<Told, 'atMs'>;

/** How the statuses of payments look. */
export const statusLooks: Readonly<Record<string, Look>> = {
  PENDING: 'cyan',
  COMPLETED: 'green',
  FAILED: 'red',
  CANCELLED: 'yellow',
  REFUNDED: 'yellow',
  EXPIRED: 'yellow',
};

/** Lines that have a form of their own, by their message. */
const sayings: Readonly<Record<string, (fields: Fields) => Saying>> = {
  'Payment intent created': (fields) => ({
    ...ofPayment(fields),
    what: 'PENDING',
    look: 'cyan',
    details: [
      amountOf(fields),
      text(fields, 'reservation_id'),
      spanOf(fields, 'settles_in_ms', 'settles in'),
      steeringOf(fields),
      text(fields, 'payment_id'),
    ],
  }),
  'Payment processed successfully': (fields) => ({
    ...ofStatus(fields),
    details: [
      text(fields, 'failure_code'),
      text(fields, 'reservation_id'),
      spanOf(fields, 'latency_ms', 'after'),
      steeringOf(fields),
    ],
  }),
  'Payment cancelled': (fields) => ({ ...ofStatus(fields), details: [text(fields, 'reason')] }),
  'Payment expired': (fields) => ({ ...ofStatus(fields), details: [] }),
  'Payment refunded': (fields) => ({
    ...ofPayment(fields),
    what: 'refunded',
    look: 'yellow',
    details: [text(fields, 'refunded_amount', 'in all'), text(fields, 'reason')],
  }),
  'Refund begun': (fields) => ({ ...ofPayment(fields), what: 'refund begun', details: [] }),
  'Refund failed': (fields) => ({
    ...ofPayment(fields),
    what: 'refund failed',
    look: 'red',
    details: [text(fields, 'failure_code')],
  }),
  'Webhook delivered': (fields) => ({
    ...ofPayment(fields),
    what: `webhook ${text(fields, 'http_status') ?? ''}`,
    look: 'green',
    details: [text(fields, 'webhook_url'), attemptOf(fields)],
  }),
  'Webhook failed, to be tried again': (fields) => ({
    ...ofPayment(fields),
    what: 'webhook failed',
    look: 'yellow',
    details: [
      text(fields, 'webhook_url'),
      text(fields, 'error')?.replace(/:$/, ''),
      spanOf(fields, 'retry_in_ms', 'again in'),
      attemptOf(fields),
    ],
  }),
  'Webhook given up': (fields) => ({
    ...ofPayment(fields),
    what: 'webhook given up',
    look: 'red',
    details: [text(fields, 'reason'), text(fields, 'webhook_url'), text(fields, 'error')],
  }),
  'Call refused': (fields) => ({
    subject: '',
    what: text(fields, 'grpc_method') ?? 'call',
    look: 'yellow',
    details: [text(fields, 'grpc_code'), text(fields, 'error'), text(fields, 'path')],
  }),
  'Simulated fault': (fields) => ({
    subject: '',
    what: text(fields, 'grpc_method') ?? 'call',
    look: 'yellow',
    details: [
      `simulated ${text(fields, 'fault') ?? 'error'}`,
      text(fields, 'grpc_code'),
      spanOf(fields, 'delay_ms', 'late by'),
      steeringOf(fields),
    ],
  }),
  'Simulated delivery': (fields) => ({
    ...ofPayment(fields),
    what: 'simulated delivery',
    look: 'yellow',
    details: [text(fields, 'channel'), listOf(fields, 'faults'), steeringOf(fields)],
  }),
};

/** The start, of which a terminal shows more than a line. */
const toldOtherwise: ReadonlySet<string> = new Set(['Payment Sim is ready']);

const levelLooks: Readonly<Record<string, Look>> = {
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
  debug: 'dim',
};

/**
 * Makes lines for people of lines of the JSON log.
 *
 * @returns for each line, without its end, what to show, if anything; a line that is no JSON stays as it is.
 */
export function createPrettyLines(paint: Paint): (line: string) => string | undefined {
  return (line) => {
    const fields = parse(line);
    if (fields === undefined) {
      return paint(undefined, line);
    }
    const message = text(fields, 'msg') ?? '';
    if (toldOtherwise.has(message)) {
      return undefined;
    }
    const saying = sayings[message]?.(fields) ?? sayAnything(fields, message);
    return formatTold(paint, { ...saying, atMs: Date.parse(text(fields, 'ts') ?? '') });
  };
}

/** Which payment, or the level, and the message; then the other fields as they are. */
function sayAnything(fields: Fields, message: string): Saying {
  const level = text(fields, 'level') ?? '';
  const payment = text(fields, 'payment_id');
  const others = Object.entries(fields).filter(
    ([name, value]) => !['level', 'ts', 'msg', 'payment_id'].includes(name) && value !== '',
  );
  return {
    subject: payment ?? level,
    what: message,
    look: levelLooks[level],
    details: others.map(
      ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    ),
  };
}

function parse(line: string): Fields | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}

function ofPayment(fields: Fields): Pick<Saying, 'subject'> {
  return { subject: text(fields, 'payment_id') ?? '' };
}

function ofStatus(fields: Fields): Omit<Saying, 'details'> {
  const status = text(fields, 'status') ?? '';
  return { ...ofPayment(fields), what: status, look: statusLooks[status] };
}

/** A field as text with a word behind it; undefined when it is not there. */
function text(fields: Fields, name: string, unit = ''): string | undefined {
  const value = fields[name];
  return typeof value === 'string' || typeof value === 'number' ? `${value} ${unit}`.trimEnd() : undefined;
}

function spanOf(fields: Fields, name: string, words: string): string | undefined {
  const value = fields[name];
  return typeof value === 'number' ? `${words} ${formatSpan(value)}` : undefined;
}

function amountOf({ amount, currency }: Fields): string | undefined {
  return typeof amount === 'number' && typeof currency === 'string'
    ? formatAmount(amount, currency)
    : undefined;
}

function attemptOf({ attempt }: Fields): string | undefined {
  return typeof attempt === 'number' && attempt > 1 ? `attempt ${attempt}` : undefined;
}

function listOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return Array.isArray(value) ? value.join(', ') : undefined;
}

/** By which rule, and in which session. */
function steeringOf(fields: Fields): string | undefined {
  const [rule, session] = [text(fields, 'rule_id'), text(fields, 'session_id')];
  const parts = [
    ...(rule === undefined ? [] : [`by rule ${rule.replaceAll(',', ', ')}`]),
    ...(session === undefined ? [] : [`session ${session}`]),
  ];
  return parts.length === 0 ? undefined : `(${parts.join(', ')})`;
}
