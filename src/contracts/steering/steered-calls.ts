import type { HandlerContext } from '@connectrpc/connect';
import type { MachineClock } from '../../base/clock.ts';
import type { Observer } from '../../base/observer.ts';
import { type Behavior, validateBehavior } from '../../payment/behavior.ts';
import { mergeBehaviors } from '../../payment/merge-behaviors.ts';
import type { Payment } from '../../payment/payment.ts';
import type { SteeredCreate } from '../../payment/payment-service.ts';
import type { Payments } from '../../payment/ports.ts';
import type { CreateIntentInput } from '../../payment/validation.ts';
import { add, throwIfAny, type Violations } from '../../payment/violations.ts';
import type { Decision } from '../../simulator/decide.ts';
import type { CallFacts, PaymentMethodName } from '../../simulator/match.ts';
import { globalSession, isSessionKey, scopeOf } from '../../simulator/session.ts';
import type { SimulatedAnswerReport } from '../../simulator/observer.ts';
import type { Steering } from '../../simulator/steering.ts';
import type { CallReaders } from '../call-readers.ts';
import { observerHeader, readSessionKey, sessionHeaders } from './session-key.ts';
import { answerAs } from './simulated-answer.ts';

/** A call about a payment that is there already. */
interface PaymentCall {
  readonly method: Exclude<PaymentMethodName, 'CreatePaymentIntent' | 'ListPayments'>;
  readonly paymentId: string;
  /** Empty: not said. */
  readonly userId: string;
}

/** Carries calls of the payment contracts out, as testers have decided. */
export interface SteeredCalls {
  /** What shall happen to a create; undefined when nobody has said anything, which is the rule and costs nothing. */
  decideCreate(
    context: HandlerContext,
    input: CreateIntentInput,
  ): Decision | undefined | Promise<Decision | undefined>;
  /** Carries a create out of which something was, or may be, decided. */
  create<T>(
    context: HandlerContext,
    decided: Decision | Promise<Decision | undefined>,
    run: (steered?: SteeredCreate) => Promise<T>,
  ): Promise<T>;
  ofPayment<T>(context: HandlerContext, call: PaymentCall, run: () => Promise<T>): Promise<T>;
  /** @param run is given the session whose payments are listed; undefined: all of them. */
  list<T>(
    context: HandlerContext,
    filter: { readonly userId: string; readonly reservationId: string },
    run: (sessionId: string | undefined) => Promise<T>,
  ): Promise<T>;
}

/** What is asked. */
export interface SteeredCallsDeps {
  readonly steering: Steering;
  readonly payments: Pick<Payments, 'get'>;
  readonly readers: CallReaders;
  /** What the headers of a call say shall happen. */
  readonly readBehavior: (context: HandlerContext) => Behavior | undefined;
  /** Which these are. */
  readonly behaviorHeaders: readonly string[];
  /** Of delays: who waits for an answer does so in the machine's time. */
  readonly machine: MachineClock;
  readonly observe: Observer<SimulatedAnswerReport>;
}

/** Calls where nobody may steer: carried out as they are. */
export const unsteeredCalls: SteeredCalls = {
  decideCreate(_context, { simulation }) {
    const violations: Violations = [];
    for (const name of ['api', 'delivery'] as const) {
      if (simulation?.[name] !== undefined) {
        add(violations, `simulation.${name}`, 'needs SIMULATOR_API=on; leave it out');
      }
    }
    throwIfAny(violations);
    return undefined;
  },
  create: (_context, _decided, run) => run(),
  ofPayment: (_context, _call, run) => run(),
  list: (_context, _filter, run) => run(undefined),
};

/** What every call works with. */
interface Self extends SteeredCallsDeps {
  /** All that may say anything. */
  readonly headers: readonly string[];
}

/** See `SteeredCalls`. */
export function createSteeredCalls(deps: SteeredCallsDeps): SteeredCalls {
  const { steering } = deps;
  const headers = [...deps.behaviorHeaders, ...sessionHeaders, observerHeader];
  const self: Self = { ...deps, headers };
  return {
    // Not async, as the next one: nearly all calls have nothing to wait for.
    decideCreate(context, input) {
      const refreshed = steering.refresh();
      return refreshed === undefined
        ? decideCreate(self, context, input)
        : refreshed.then(() => decideCreate(self, context, input));
    },
    ofPayment(context, call, run) {
      const refreshed = steering.refresh();
      return refreshed === undefined
        ? runOfPayment(self, context, call, run)
        : refreshed.then(() => runOfPayment(self, context, call, run));
    },
    async create(context, decided, run) {
      const decision = await decided;
      return await (decision === undefined
        ? run()
        : answerAs(self, 'CreatePaymentIntent', decision, context, () => run(toSteered(decision))));
    },
    async list(context, filter, run) {
      await steering.refresh();
      return await steerList(self, context, filter, run);
    },
  };
}

function decideCreate(
  { steering, readers, headers: names, readBehavior }: Self,
  context: HandlerContext,
  input: CreateIntentInput,
): Decision | undefined | Promise<Decision> {
  // Asked for all at once: nearly no call has any.
  const hasHeaders = readers.hasAnyHeader(context, names);
  const isSilent = !hasHeaders && input.simulation === undefined && input.metadata === undefined;
  if (isSilent && !steering.mayDecide(input.userId)) {
    return undefined;
  }
  const headers = hasHeaders ? readBehavior(context) : undefined;
  const named = hasHeaders ? readSessionKey(readers, context) : undefined;
  const sessionKey = named ?? readMetadataKey(input);
  const own = ownBehavior(input, headers);
  return steering.decide({ facts: factsOfCreate(input), sessionKey, own });
}

function runOfPayment<T>(
  self: Self,
  context: HandlerContext,
  call: PaymentCall,
  run: () => Promise<T>,
): Promise<T> {
  return self.readers.hasAnyHeader(context, self.headers) || self.steering.isAbout(call.method)
    ? steerOfPayment(self, context, call, run)
    : run();
}

/** One that cannot be a key is something else's, and none of ours. */
function readMetadataKey({ metadata }: CreateIntentInput): string | undefined {
  return metadata !== undefined && isSessionKey(metadata.sessionId) ? metadata.sessionId : undefined;
}

/** What is wrong with the request's is told when it is carried out. */
function ownBehavior({ simulation }: CreateIntentInput, headers: Behavior | undefined): Behavior | undefined {
  if (simulation === undefined) {
    return headers;
  }
  const violations: Violations = [];
  const behavior = validateBehavior(violations, 'simulation', simulation);
  if (violations.length > 0) {
    return undefined;
  }
  return headers === undefined ? behavior : mergeBehaviors(behavior, headers);
}

function factsOfCreate({ userId, reservationId, money, webhookUrl }: CreateIntentInput): CallFacts {
  return {
    method: 'CreatePaymentIntent',
    userId,
    reservationId,
    currency: money?.currency ?? '',
    amount: money === undefined ? 0 : Number(money.amount),
    webhookUrl,
  };
}

function toSteered({ behavior, sessionId, ruleIds, webhookUrl, outcomes }: Decision): SteeredCreate {
  return {
    behavior,
    sessionId,
    ruleId: ruleIds.length === 0 ? undefined : ruleIds.join(','),
    webhookUrl,
    outcomes,
  };
}

/** The payment is looked for only where somebody has said anything about such calls. */
async function steerOfPayment<T>(
  self: Self,
  context: HandlerContext,
  { method, paymentId, userId }: PaymentCall,
  run: () => Promise<T>,
): Promise<T> {
  const { steering, payments, readers } = self;
  if (method === 'GetPaymentStatus' && isObserver(readers, context)) {
    return await run();
  }
  const headers = self.readBehavior(context);
  const named = readSessionKey(readers, context);
  if (named !== undefined) {
    steering.noteUse(named);
    readers.noteDecision(context, { sessionId: named, ruleIds: [] });
  }
  if (headers?.api === undefined && !steering.isAbout(method)) {
    return await run();
  }
  const payment = paymentId === '' ? undefined : await payments.get(paymentId);
  const decision = await steering.decide({
    facts: factsOfPayment(method, payment, userId),
    sessionKey: payment === undefined ? named : (payment.extras?.sessionId ?? globalSession),
    own: ofAnswer(headers),
  });
  return await (decision === undefined ? run() : answerAs(self, method, decision, context, run));
}

function factsOfPayment(method: PaymentMethodName, payment: Payment | undefined, userId: string): CallFacts {
  return {
    method,
    userId: payment?.userId ?? userId,
    reservationId: payment?.reservationId ?? '',
    currency: payment?.money.currency ?? '',
    amount: payment?.money.amount ?? 0,
    webhookUrl: payment?.webhookUrl ?? '',
  };
}

async function steerList<T>(
  self: Self,
  context: HandlerContext,
  { userId, reservationId }: { readonly userId: string; readonly reservationId: string },
  run: (sessionId: string | undefined) => Promise<T>,
): Promise<T> {
  const key = readSessionKey(self.readers, context, true) ?? globalSession;
  const listed = scopeOf(key);
  if (isObserver(self.readers, context)) {
    return await run(listed);
  }
  const own = ofAnswer(self.readBehavior(context));
  const facts: CallFacts = {
    method: 'ListPayments',
    userId,
    reservationId,
    currency: '',
    amount: 0,
    webhookUrl: '',
  };
  const decision = await self.steering.decide({ facts, sessionKey: listed ?? globalSession, own });
  const list = () => run(listed);
  return await (decision === undefined ? list() : answerAs(self, 'ListPayments', decision, context, list));
}

/** Whether the caller only looks; whoever tells of calls is told so. */
function isObserver(readers: CallReaders, context: HandlerContext): boolean {
  const isOne = readers.readHeader(context, observerHeader) !== undefined;
  if (isOne) {
    readers.noteDecision(context, { sessionId: undefined, ruleIds: [], isUnseen: true });
  }
  return isOne;
}

/** Of a call that makes no payment nothing else can be decided. */
function ofAnswer(behavior: Behavior | undefined): Behavior | undefined {
  return behavior?.api === undefined ? undefined : { api: behavior.api };
}
