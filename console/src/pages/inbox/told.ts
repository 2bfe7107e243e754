import { PaymentStatus } from '../../../../gen/payment/v1/payment_pb.js';

/* What the body of a webhook tells. Anybody may post one here, so nothing of it is taken for granted. Pure. */

export interface Told {
  /** Undefined: none that is known. */
  readonly status: PaymentStatus | undefined;
  /** Empty: it does not say. */
  readonly eventType: string;
  readonly sequence: string;
}

export function toldBy(body: string): Told {
  const fields = fieldsOf(body);
  const { status, event_type: type, sequence } = fields;
  return {
    status: statusNamed(typeof status === 'string' ? status : ''),
    eventType: typeof type === 'string' ? type : '',
    sequence: typeof sequence === 'number' ? String(sequence) : '',
  };
}

function fieldsOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

const prefix = 'PAYMENT_STATUS_';

function statusNamed(name: string): PaymentStatus | undefined {
  const found = Object.entries(PaymentStatus).find(([short]) => name === prefix + short)?.[1];
  return typeof found === 'number' ? found : undefined;
}
