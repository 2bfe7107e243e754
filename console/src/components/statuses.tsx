import { PaymentStatus } from '../../../gen/payment/v1/payment_pb.js';
import { DeliveryStatus } from '../../../gen/simulator/v1/simulator_pb.js';
import { defineTexts } from '../core/language.ts';
import { Badge, type Options, type Tone } from './basics.tsx';

/* Statuses are shown by the names that the contract has: they are what people look for in their logs. */

const paymentTones: Readonly<Record<PaymentStatus, Tone>> = {
  [PaymentStatus.UNSPECIFIED]: 'dull',
  [PaymentStatus.PENDING]: 'wait',
  [PaymentStatus.COMPLETED]: 'good',
  [PaymentStatus.FAILED]: 'bad',
  [PaymentStatus.CANCELLED]: 'dull',
  [PaymentStatus.REFUNDED]: 'info',
  [PaymentStatus.EXPIRED]: 'dull',
};

const deliveryTones: Readonly<Record<DeliveryStatus, Tone>> = {
  [DeliveryStatus.UNSPECIFIED]: 'dull',
  [DeliveryStatus.WAITING]: 'wait',
  [DeliveryStatus.DELIVERED]: 'good',
  [DeliveryStatus.GIVEN_UP]: 'bad',
  [DeliveryStatus.SIMULATED]: 'info',
};

const texts = defineTexts({ any: ['Any status', '모든 상태'] });

export function PaymentBadge({ status }: { readonly status: PaymentStatus }) {
  return <Badge tone={paymentTones[status] ?? 'dull'}>{PaymentStatus[status] ?? status}</Badge>;
}

export function DeliveryBadge({ status }: { readonly status: DeliveryStatus }) {
  return <Badge tone={deliveryTones[status] ?? 'dull'}>{DeliveryStatus[status] ?? status}</Badge>;
}

/** For a filter: empty is any. */
export function paymentStatusOptions(): Options {
  return [['', texts('any')], ...namesOf(PaymentStatus)];
}

export function deliveryStatusOptions(): Options {
  return [['', texts('any')], ...namesOf(DeliveryStatus)];
}

/** The names of an enum of the contract but UNSPECIFIED, each as value and text. */
export function namesOf(values: Readonly<Record<string, string | number>>): Options {
  return Object.entries(values)
    .filter(([name, number]) => typeof number === 'number' && number !== 0 && name !== '')
    .map(([name]) => [name, name]);
}
