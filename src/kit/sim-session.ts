import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type CallOptions, type Client, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { Agent } from 'node:http';
import { PaymentService } from '../../gen/payment/v1/payment_pb.js';
import {
  type AdvanceClockRequestSchema,
  type AdvanceClockResponse,
  type AwaitRequestSchema,
  type AwaitResponse,
  type Delivery,
  type JournalEntry,
  type ListDeliveriesRequestSchema,
  type ListReceivedRequestSchema,
  type ReceivedWebhook,
  type ResendDeliveriesRequestSchema,
  type Rule,
  type RuleSchema,
  type SessionSchema,
  SimulatorService,
  type WatchFilterSchema,
} from '../../gen/simulator/v1/simulator_pb.js';
import { durationExamples, readDurationMs } from '../base/duration-text.ts';
import { allSessions, globalSession, isSessionKey, wantedHeaderText } from '../simulator/session.ts';
import { sessionHeader } from '../webhook-format/signature.ts';

/** One test among many: what it chooses, and what is its own. */
export interface SimSession {
  /** Empty for the global session, to which all calls belong that name no other. */
  readonly id: string;
  /** What the code under test sends with its calls, or lets through, to be in the session. */
  readonly headers: Readonly<Record<string, string>>;
  /** The same as the header `baggage`, for calls to a service that passes it on, as OpenTelemetry does. */
  readonly baggage: string;
  /** A caller of the gateway whose calls are in the session. */
  readonly client: Client<typeof PaymentService>;
  /** All that a tester may ask, in the session. */
  readonly simulator: Client<typeof SimulatorService>;
  /** Makes a rule; it comes before the older ones. */
  rule(rule: MessageInitShape<typeof RuleSchema>): Promise<Rule>;
  /** Sets what the session is like: all of it. */
  update(session: MessageInitShape<typeof SessionSchema>): Promise<void>;
  /** What was told of payments, with every attempt: the last payment first, at most 1,000. */
  deliveries(filter?: MessageInitShape<typeof ListDeliveriesRequestSchema>): Promise<readonly Delivery[]>;
  /** What came to the built-in receiver for payments of the session: the newest first, at most 1,000 and a megabyte. */
  received(filter?: MessageInitShape<typeof ListReceivedRequestSchema>): Promise<readonly ReceivedWebhook[]>;
  /** Sends events again; gives back their deliveries as they were before. */
  resend(what: MessageInitShape<typeof ResendDeliveriesRequestSchema>): Promise<readonly Delivery[]>;
  /**
   * Moves the clock of a session that was updated with `manualClock`; resolves when all that fell due has happened.
   *
   * @throws RangeError for a text that is no duration.
   */
  advance(how: AdvanceBy): Promise<AdvanceClockResponse>;
  /**
   * Waits until so many payments, deliveries or calls fit as are wanted, and gives back what fits.
   *
   * @throws Error that says what was near, when they have not come in time.
   */
  await(what: MessageInitShape<typeof AwaitRequestSchema>): Promise<AwaitResponse>;
  /**
   * Tells what happens until the loop is left: from now on, or what comes after `cursor` (`oldest`: all that is
   * remembered).
   */
  watch(from?: WatchFrom): WatchedJournal;
  /** Removes the session's rules, settings, payments and what is remembered of it; of no other session. */
  reset(): Promise<void>;
}

/** How far: `2s`, `500ms`, `30m`, `1d`, milliseconds, a time, or as the contract has it. */
export type AdvanceBy = string | number | Date | { readonly toNext: true } | { readonly untilIdle: true };

/** What to watch. */
export interface WatchFrom {
  readonly cursor?: string;
  readonly filter?: MessageInitShape<typeof WatchFilterSchema>;
  readonly signal?: AbortSignal;
}

/** What happens, as it happens. Once: the loop over it ends it. */
export interface WatchedJournal extends AsyncIterable<JournalEntry> {
  /** Resolves once everything that happens from then on is told, with the cursor of that moment. */
  opened(): Promise<string>;
  /** How many entries behind the cursor that was given are forgotten; -1: the cursor was of another simulator. */
  skipped(): number;
}

/** Makes sessions, and lets go of what they call with. */
export interface SimSessions {
  session(id: string): SimSession;
  /** Removes what `reset` of every session would. */
  resetAll(): Promise<void>;
  close(): void;
}

/** The entry of W3C baggage that names a session. */
const baggageEntry = 'payment-sim.session';

/** The most that the service gives at once. */
const pageSize = 1_000;

/** Sessions of the simulator at `url`, such as `http://127.0.0.1:8030`. */
export function connectSessions(url: string): SimSessions {
  // Idle connections do not keep the process alive.
  const agent = new Agent({ keepAlive: true });
  const closing = new AbortController();
  const session = (id: string) => createSession(url, { agent, closed: closing.signal }, id);
  return {
    session(id) {
      if (id !== globalSession && !isSessionKey(id)) {
        throw new Error(`the name of a session must be ${wantedHeaderText}, not ${JSON.stringify(id)}`);
      }
      return session(id);
    },
    resetAll: () => session(allSessions).reset(),
    close() {
      closing.abort();
      agent.destroy();
    },
  };
}

interface Connections {
  readonly agent: Agent;
  readonly closed: AbortSignal;
}

function createSession(url: string, { agent, closed }: Connections, id: string): SimSession {
  const headers = id === globalSession ? {} : { [sessionHeader]: id };
  const transport = createConnectTransport({
    baseUrl: url,
    httpVersion: '1.1',
    nodeOptions: { agent },
    interceptors: [sending(headers, closed)],
  });
  const client = createClient(PaymentService, transport);
  const simulator = createClient(SimulatorService, transport);
  return {
    id,
    headers,
    baggage: id === globalSession ? '' : `${baggageEntry}=${encodeURIComponent(id)}`,
    client,
    simulator,
    async rule(rule) {
      const { rule: created } = await simulator.createRule({ rule });
      if (created === undefined) {
        throw new Error('the simulator has made no rule');
      }
      return created;
    },
    async update(settings) {
      await simulator.updateSession({ session: settings });
    },
    async deliveries(filter = {}) {
      return (await simulator.listDeliveries({ pageSize, ...filter })).deliveries;
    },
    async received(filter = {}) {
      return (await simulator.listReceived({ pageSize, ...filter })).webhooks;
    },
    async resend(what) {
      return (await simulator.resendDeliveries(what)).deliveries;
    },
    advance: async (how) => await simulator.advanceClock({ how: toAdvance(how) }),
    await: (what) => awaitIn(simulator, what),
    watch: (from = {}) => watch(simulator, from),
    async reset() {
      await simulator.resetSession({});
    },
  };
}

function toAdvance(how: AdvanceBy): MessageInitShape<typeof AdvanceClockRequestSchema>['how'] & object {
  if (typeof how === 'string' || typeof how === 'number') {
    return { case: 'by', value: durationFromMs(typeof how === 'number' ? how : msOf(how)) };
  }
  if (how instanceof Date) {
    return { case: 'to', value: timestampFromDate(how) };
  }
  return 'toNext' in how ? { case: 'toNext', value: true } : { case: 'untilIdle', value: true };
}

function msOf(text: string): number {
  const ms = readDurationMs(text);
  if (ms === undefined) {
    throw new RangeError(`a duration is such as ${durationExamples}, not ${JSON.stringify(text)}`);
  }
  return ms;
}

async function awaitIn(
  simulator: Client<typeof SimulatorService>,
  what: MessageInitShape<typeof AwaitRequestSchema>,
): Promise<AwaitResponse> {
  const answer = await simulator.await(what);
  if (!answer.met) {
    const near = answer.nearMisses.length === 0 ? ['nothing is near'] : answer.nearMisses;
    throw new Error(`${answer.observed} fit, which is not what was waited for; ${near.join('; ')}`);
  }
  return answer;
}

function sending(headers: Readonly<Record<string, string>>, closed: AbortSignal): Interceptor {
  return (next) => (request) => {
    if (closed.aborted) {
      throw new Error('this simulator was closed, or has stopped');
    }
    for (const [name, value] of Object.entries(headers)) {
      request.header.set(name, value);
    }
    return next(request);
  };
}

function watch(
  simulator: Client<typeof SimulatorService>,
  { cursor = '', filter, signal }: WatchFrom,
): WatchedJournal {
  const ended = new AbortController();
  const options: CallOptions = {
    signal: signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]),
  };
  // Begun here, so that what happens after `opened` is told.
  const messages = simulator.watch({ cursor, ...(filter && { filter }) }, options)[Symbol.asyncIterator]();
  const first = messages.next();
  first.catch(() => undefined);
  const self = { skipped: 0 };
  async function* entries(): AsyncGenerator<JournalEntry, void, undefined> {
    try {
      for (let next = await first; next.done !== true; next = await messages.next()) {
        self.skipped += Number(next.value.skipped);
        yield* next.value.entries;
      }
    } catch (error) {
      if (signal?.aborted !== true) {
        throw error;
      }
    } finally {
      ended.abort();
    }
  }
  return {
    opened: async () => {
      const { value } = await first;
      return value?.cursor ?? '';
    },
    skipped: () => self.skipped,
    [Symbol.asyncIterator]: entries,
  };
}
