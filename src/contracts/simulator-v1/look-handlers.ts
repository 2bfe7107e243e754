import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import {
  ExplainCallResponseSchema,
  type ListedSessionSchema,
  ListSessionsResponseSchema,
  type SimulatorService as SimulatorServiceDescriptor,
} from '../../../gen/simulator/v1/simulator_pb.js';
import { noLimits } from '../../simulator/journal/journal.ts';
import type { JournalStore } from '../../simulator/journal/ports.ts';
import { globalSession } from '../../simulator/session.ts';
import type { ListedSession } from '../../simulator/looks.ts';
import type { Steering } from '../../simulator/steering.ts';
import { behaviorFromProto, behaviorToProto } from '../payment-v1/simulation-messages.ts';
import { countersToProto, ruleToProto, sessionToProto } from './simulator-messages.ts';

/** More are of no use to who looks, and of an answer's size for no client. */
const maxSessions = 1_000;

/** The handlers for who looks at sessions and rules. */
export function createLookHandlers(
  steering: Steering,
  store: JournalStore,
  sessionKeyOf: (context: HandlerContext) => string | undefined,
): Pick<ServiceImpl<typeof SimulatorServiceDescriptor>, 'listSessions' | 'explainCall'> {
  return {
    async listSessions() {
      await store.refresh();
      const { sessions, total } = await steering.listSessions(usesOf(store), maxSessions);
      return create(ListSessionsResponseSchema, {
        sessions: sessions.map((session) => listedToProto(session, steering.nowOf(session.sessionId))),
        total,
      });
    },

    async explainCall({ simulation, ...call }, context) {
      const input = { ...call, simulation: simulation && behaviorFromProto(simulation) };
      const { sessionId, verdicts, behavior } = await steering.explainCall(sessionKeyOf(context), input);
      return create(ExplainCallResponseSchema, {
        sessionId,
        verdicts: verdicts.map((verdict) => ({
          rule: ruleToProto(verdict),
          applies: verdict.problem === undefined,
          reason: verdict.problem ?? '',
        })),
        simulation: behaviorToProto(behavior),
      });
    },
  };
}

function listedToProto(
  { sessionId, settings, counters, lastUsedMs }: ListedSession,
  nowMs: number | undefined,
): MessageInitShape<typeof ListedSessionSchema> {
  return {
    session: sessionToProto(sessionId, settings, nowMs),
    counters: countersToProto(counters),
    ...(lastUsedMs !== undefined && { lastUsedAt: timestampFromMs(lastUsedMs) }),
  };
}

/** When each session was used last, by what is remembered of it. Collects no entries: there may be 100,000. */
function usesOf({ journal }: JournalStore): ReadonlyMap<string, number> {
  const uses = new Map<string, number>();
  function note(sessionId = globalSession, atMs: number): false {
    uses.set(sessionId, Math.max(uses.get(sessionId) ?? 0, atMs));
    return false;
  }
  journal.read(journal.oldest(), ({ sessionId, atMs }) => note(sessionId, atMs), noLimits);
  journal.deliveries.find(({ event, changedAtMs }) => note(event.sessionId, changedAtMs));
  return uses;
}
