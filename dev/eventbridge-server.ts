import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '../src/observability/logger.ts';
import { AwsError, createAwsJsonServer, type JsonObject } from './aws-json.ts';
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
 * Called for every PutEvents call that is in order as a whole, before any of its entries is taken.
 * Tests use it to fail: it may answer an error for the entry at the same place, throw an `AwsError`
 * for the whole call, destroy the socket, or take its time. Answering nothing changes nothing.
 */
export type PutEventsHook = (
  entries: readonly PutEventsEntry[],
  socket: Socket,
) => EntryErrors | undefined | Promise<EntryErrors | undefined>;

/** Errors by the place of the entry in its call. */
export type EntryErrors = readonly (EntryError | undefined)[];

/** What the endpoint knows. */
export interface EventBridgeServerOptions {
  readonly region: string;
  readonly buses: readonly EventBus[];
  /** Addresses of the queues that rules name, by ARN. */
  readonly queueUrls: ReadonlyMap<string, string>;
  readonly targets: SqsTargets;
  readonly logger: Logger;
  readonly onPutEvents?: PutEventsHook | undefined;
}

/**
 * An EventBridge endpoint for development and tests: PutEvents with rules and SQS targets, and the
 * operations that read buses, rules and targets.
 *
 * It is stricter than AWS in one point: an entry for a bus that does not exist fails with
 * ResourceNotFoundException, where AWS answers with an event id and drops the event
 * (https://github.com/aws/aws-cli/issues/9186), which is the last thing one wants while developing.
 */
export function createEventBridgeServer(options: EventBridgeServerOptions): FastifyInstance {
  const { region, logger } = options;
  const buses = new Map(options.buses.map((bus) => [bus.name, bus]));

  function findBus(input: JsonObject, field: string): EventBus {
    const name = busNameOf(optionalText(input, field));
    const bus = buses.get(name);
    if (bus === undefined) {
      throw new AwsError('ResourceNotFoundException', `Event bus ${name} does not exist.`);
    }
    return bus;
  }

  function describeRule(bus: EventBus, rule: EventRule) {
    const path = bus.name === 'default' ? rule.name : `${bus.name}/${rule.name}`;
    return {
      Name: rule.name,
      Arn: `arn:aws:events:${region}:${localAccount}:rule/${path}`,
      EventBusName: bus.name,
      EventPattern: JSON.stringify(rule.pattern),
      State: 'ENABLED',
    };
  }

  async function putEvents(input: JsonObject, socket: Socket) {
    const entries = readEntries(input);
    const injected = (await options.onPutEvents?.(entries, socket)) ?? [];
    const outbox = new Map<string, TargetMessage[]>();
    const results = entries.map((entry, index) => injected[index] ?? takeEntry(entry, outbox));
    for (const [queueUrl, messages] of outbox) {
      options.targets.deliver(queueUrl, messages);
    }
    return {
      FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length,
      Entries: results,
    };
  }

  function takeEntry(
    entry: PutEventsEntry,
    outbox: Map<string, TargetMessage[]>,
  ): EntryError | { readonly EventId: string } {
    const error = checkEntry(entry);
    if (error !== undefined) {
      return error;
    }
    const bus = buses.get(busNameOf(entry.EventBusName));
    if (bus === undefined) {
      const name = busNameOf(entry.EventBusName);
      logger.warn({ event_bus: name }, 'An event for a bus that does not exist; AWS would lose it silently');
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
      region,
    );
    route(bus, event, outbox);
    return { EventId: event.id };
  }

  function route(bus: EventBus, event: EventEnvelope, outbox: Map<string, TargetMessage[]>): void {
    const rules = bus.rules.filter((rule) => matches(rule.pattern, event));
    for (const rule of rules) {
      const queueUrl = options.queueUrls.get(rule.targetArn);
      if (queueUrl !== undefined) {
        const messages = outbox.get(queueUrl) ?? [];
        messages.push({ eventId: event.id, body: toMessageBody(event) });
        outbox.set(queueUrl, messages);
      }
    }
    logger.debug(
      {
        event: event.id,
        source: event.source,
        detail_type: event['detail-type'],
        rules: rules.map((rule) => rule.name),
      },
      rules.length > 0 ? 'Event taken' : 'Event taken, but no rule matches it',
    );
  }

  return createAwsJsonServer('AWSEvents', {
    PutEvents: putEvents,
    DescribeEventBus(input) {
      const { name } = findBus(input, 'Name');
      return { Name: name, Arn: busArn(region, name) };
    },
    ListRules(input) {
      const bus = findBus(input, 'EventBusName');
      const prefix = optionalText(input, 'NamePrefix') ?? '';
      const rules = bus.rules.filter((rule) => rule.name.startsWith(prefix));
      return { Rules: rules.map((rule) => describeRule(bus, rule)) };
    },
    DescribeRule(input) {
      const bus = findBus(input, 'EventBusName');
      return describeRule(bus, findRule(bus, optionalText(input, 'Name')));
    },
    ListTargetsByRule(input) {
      const rule = findRule(findBus(input, 'EventBusName'), optionalText(input, 'Rule'));
      return { Targets: [{ Id: 'queue', Arn: rule.targetArn }] };
    },
  });
}

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
