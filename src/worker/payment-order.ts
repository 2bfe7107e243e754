/** The bounds of the memory. */
interface PaymentOrderOptions {
  /** Milliseconds from any fixed point in time; never goes back. */
  readonly monotonicMs: () => number;
  /** How long a payment is remembered after its last event, in milliseconds. */
  readonly ttlMs: number;
  /** Beyond so many the oldest are forgotten first. */
  readonly maxPayments: number;
}

/**
 * Keeps the events of a payment in their order, as far as this process has seen them: SQS brings them in any.
 * Another worker may still be at an older one when this one has done a newer.
 */
export interface PaymentOrder {
  /**
   * Calls `handle` when no event of the payment with another number is being handled, and not at all when a
   * later one has been.
   *
   * @param sequence of the event within its payment, 1 or more.
   * @param handle resolves with whether it succeeded; only then is the event remembered.
   * @throws what `handle` throws.
   */
  inOrder(
    paymentId: string,
    sequence: number,
    handle: () => Promise<boolean>,
  ): Promise<'handled' | 'failed' | 'outdated'>;
}

interface Seen {
  readonly sequence: number;
  readonly untilMs: number;
}

interface Running {
  readonly sequence: number;
  /** Never rejects. */
  readonly ended: Promise<unknown>;
}

interface State extends PaymentOrderOptions {
  /** The last event of each payment that has had more than one. */
  readonly seen: Map<string, Seen>;
  /** The events that are being handled, or wait for others, by payment. */
  readonly running: Map<string, readonly Running[]>;
}

/** See `PaymentOrder`. */
export function createPaymentOrder(options: PaymentOrderOptions): PaymentOrder {
  const self: State = { ...options, seen: new Map(), running: new Map() };
  return {
    async inOrder(paymentId, sequence, handle) {
      const before = self.running.get(paymentId) ?? [];
      const others = before.filter((other) => other.sequence !== sequence);
      const mine = Promise.all(others.map(({ ended }) => ended)).then(() =>
        handleInTurn(self, paymentId, sequence, handle),
      );
      const running: Running = { sequence, ended: mine.catch(() => undefined) };
      self.running.set(paymentId, [...before, running]);
      try {
        return await mine;
      } finally {
        forget(self, paymentId, running);
      }
    },
  };
}

function forget({ running }: State, paymentId: string, ended: Running): void {
  const left = (running.get(paymentId) ?? []).filter((each) => each !== ended);
  if (left.length === 0) {
    running.delete(paymentId);
  } else {
    running.set(paymentId, left);
  }
}

async function handleInTurn(
  self: State,
  paymentId: string,
  sequence: number,
  handle: () => Promise<boolean>,
): Promise<'handled' | 'failed' | 'outdated'> {
  if ((self.seen.get(paymentId)?.sequence ?? 0) > sequence) {
    return 'outdated';
  }
  if (!(await handle())) {
    return 'failed';
  }
  // Nothing is older than the first.
  if (sequence > 1) {
    remember(self, paymentId, sequence);
  }
  return 'handled';
}

function remember(
  { seen, monotonicMs, ttlMs, maxPayments }: State,
  paymentId: string,
  sequence: number,
): void {
  const nowMs = monotonicMs();
  // Deleted first, or `set` would leave it at its old place in the order.
  seen.delete(paymentId);
  seen.set(paymentId, { sequence, untilMs: nowMs + ttlMs });
  for (const [oldest, { untilMs }] of seen) {
    if (seen.size <= maxPayments && untilMs > nowMs) {
      break;
    }
    seen.delete(oldest);
  }
}
