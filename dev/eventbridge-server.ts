import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { JsonObject } from '../src/base/json.ts';
import type { Logger } from '../src/observability/logger.ts';
import { AwsError, createAwsJsonServer } from './aws-json.ts';
import {
  busArn,
  busNameOf,
  type EventBus,
  type EventEnvelope,
  type EventRule,
  localAccount,
  matches,
  toEnvelope,
  toMessageBody,
} from './event-bus.ts';
import {
  checkEntry,
  entryError,
  type EntryError,
  optionalText,
  parseDetail,
  type PutEventsEntry,
  readEntries,
} from './put-events.ts';
import type { SqsTargets, TargetMessage } from './sqs-targets.ts';

/**
 * Called for every PutEvents call that is valid as a whole, before any of its entries is taken. Tests use
 * it to inject failures: it may resolve with an error for the entry at the same index, throw an `AwsError`
 * for the whole call, destroy the socket, or delay the answer. Undefined changes nothing.
 */
export type PutEventsHook = (
  entries: readonly PutEventsEntry[],
  socket: Socket,
) => EntryErrors | undefined | Promise<EntryErrors | undefined>;

/** Errors by the index of the entry in its call. */
type EntryErrors = readonly (EntryError | undefined)[];

/** What the endpoint knows. */
interface EventBridgeServerOptions {
  readonly region: string;
  readonly buses: readonly EventBus[];
  /** URLs of the queues that rules name, by ARN. */
  readonly queueUrls: ReadonlyMap<string, string>;
  readonly targets: SqsTargets;
  readonly logger: Logger;
  readonly onPutEvents?: PutEventsHook | undefined;
}

interface ServerState {
  readonly options: EventBridgeServerOptions;
  /** By name. */
  readonly buses: ReadonlyMap<string, EventBus>;
}

/** Messages that one call puts into queues, by the queue's URL. */
type Outbox = Map<string, TargetMessage[]>;

/**
 * An EventBridge endpoint for development and tests: PutEvents with rules and SQS targets, and the
 * operations that read buses, rules and targets.
 *
 * It is stricter than AWS in one point: an entry for a bus that does not exist fails with
 * ResourceNotFoundException, where AWS answers with an event id and drops the event
 * (https://github.com/aws/aws-cli/issues/9186), so that a misspelt bus shows at once.
 */
export function createEventBridgeServer(options: EventBridgeServerOptions): FastifyInstance {
  const { region } = options;
  const self: ServerState = { options, buses: new Map(options.buses.map((bus) => [bus.name, bus])) };
  return createAwsJsonServer('AWSEvents', {
    PutEvents: (input, socket) => putEvents(self, input, socket),
    DescribeEventBus(input) {
      const { name } = findBus(self, input, 'Name');
      return { Name: name, Arn: busArn(region, name) };
    },
    ListRules(input) {
      const bus = findBus(self, input, 'EventBusName');
      const prefix = optionalText(input, 'NamePrefix') ?? '';
      const rules = bus.rules.filter((rule) => rule.name.startsWith(prefix));
      return { Rules: rules.map((rule) => toRuleAnswer(region, bus, rule)) };
    },
    DescribeRule(input) {
      const bus = findBus(self, input, 'EventBusName');
      return toRuleAnswer(region, bus, findRule(bus, optionalText(input, 'Name')));
    },
    ListTargetsByRule(input) {
      const rule = findRule(findBus(self, input, 'EventBusName'), optionalText(input, 'Rule'));
      return { Targets: [{ Id: 'queue', Arn: rule.targetArn, InputTransformer: rule.inputTransformer }] };
    },
  });
}

async function putEvents(self: ServerState, input: JsonObject, socket: Socket) {
  const { onPutEvents, targets } = self.options;
  const entries = readEntries(input);
  const injected = (await onPutEvents?.(entries, socket)) ?? [];
  const outbox: Outbox = new Map();
  const results = entries.map((entry, index) => injected[index] ?? takeEntry(self, entry, outbox));
  for (const [queueUrl, messages] of outbox) {
    targets.deliver(queueUrl, messages);
  }
  return {
    FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length,
    Entries: results,
  };
}

function takeEntry(
  { options, buses }: ServerState,
  entry: PutEventsEntry,
  outbox: Outbox,
): EntryError | { readonly EventId: string } {
  const error = checkEntry(entry);
  if (error !== undefined) {
    return error;
  }
  const name = busNameOf(entry.EventBusName);
  const bus = buses.get(name);
  if (bus === undefined) {
    options.logger.warn(
      { event_bus: name },
      'An event for a bus that does not exist; AWS would lose it silently',
    );
    return entryError('ResourceNotFoundException', `Event bus ${name} does not exist.`);
  }
  const event = toEnvelope(
    {
      source: entry.Source ?? '',
      detailType: entry.DetailType ?? '',
      detail: parseDetail(entry.Detail ?? '') ?? {},
      resources: entry.Resources ?? [],
      timeMs: entry.Time === undefined ? Date.now() : entry.Time * 1000,
    },
    options.region,
  );
  routeEvent(options, bus, event, outbox);
  return { EventId: event.id };
}

/** Adds the event to the outbox once for each rule that matches it. */
function routeEvent(
  options: EventBridgeServerOptions,
  bus: EventBus,
  event: EventEnvelope,
  outbox: Outbox,
): void {
  const rules = bus.rules.filter((rule) => matches(rule.pattern, event));
  for (const rule of rules) {
    const queueUrl = options.queueUrls.get(rule.targetArn);
    const body = queueUrl === undefined ? undefined : bodyFor(options.logger, rule, event);
    if (queueUrl !== undefined && body !== undefined) {
      const messages = outbox.get(queueUrl) ?? [];
      messages.push({ eventId: event.id, body });
      outbox.set(queueUrl, messages);
    }
  }
  options.logger.debug(
    {
      event: event.id,
      source: event.source,
      detail_type: event['detail-type'],
      rules: rules.map((rule) => rule.name),
    },
    rules.length > 0 ? 'Event taken' : 'Event taken, but no rule matches it',
  );
}

/** Undefined when the rule's transformer does not fit the event, which is logged. */
function bodyFor(logger: Logger, rule: EventRule, event: EventEnvelope): string | undefined {
  try {
    return toMessageBody(event, rule.inputTransformer);
  } catch (error) {
    logger.error({ event: event.id, rule: rule.name, err: error }, 'An input transformer does not fit');
    return undefined;
  }
}

/** The bus that `field` names. @throws AwsError ResourceNotFoundException */
function findBus({ buses }: ServerState, input: JsonObject, field: string): EventBus {
  const name = busNameOf(optionalText(input, field));
  const bus = buses.get(name);
  if (bus === undefined) {
    throw new AwsError('ResourceNotFoundException', `Event bus ${name} does not exist.`);
  }
  return bus;
}

/** The rule of that name. @throws AwsError ResourceNotFoundException */
function findRule(bus: EventBus, name: string | undefined): EventRule {
  const rule = bus.rules.find((candidate) => candidate.name === name);
  if (rule === undefined) {
    throw new AwsError(
      'ResourceNotFoundException',
      `Rule ${name ?? ''} does not exist on EventBus ${bus.name}.`,
    );
  }
  return rule;
}

/** A rule as ListRules and DescribeRule answer it. */
function toRuleAnswer(region: string, bus: EventBus, rule: EventRule) {
  const path = bus.name === 'default' ? rule.name : `${bus.name}/${rule.name}`;
  return {
    Name: rule.name,
    Arn: `arn:aws:events:${region}:${localAccount}:rule/${path}`,
    EventBusName: bus.name,
    EventPattern: JSON.stringify(rule.pattern),
    State: 'ENABLED',
  };
}
