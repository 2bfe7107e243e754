import { create } from '@bufbuild/protobuf';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import {
  CreateRuleResponseSchema,
  DeleteRuleResponseSchema,
  GetSessionResponseSchema,
  ListRulesResponseSchema,
  ResetSessionResponseSchema,
  type Session,
  type SimulatorService as SimulatorServiceDescriptor,
  UpdateSessionResponseSchema,
} from '../../../gen/simulator/v1/simulator_pb.js';
import { invalidField } from '../../payment/errors.ts';
import { requireId, throwIfAny, type Violations } from '../../payment/violations.ts';
import { globalSession } from '../../simulator/session.ts';
import type { Steering } from '../../simulator/steering.ts';
import type { CallReaders } from '../call-readers.ts';
import { readSessionKey } from '../steering/session-key.ts';
import { handleAdvance } from './clock-handler.ts';
import { createJournalHandlers, type JournalParts } from './journal-handlers.ts';
import { createLookHandlers } from './look-handlers.ts';
import { createReceivedHandler, type ReceivedParts } from './received-handler.ts';
import {
  countersToProto,
  ruleFromProto,
  ruleToProto,
  sessionFromProto,
  sessionToProto,
} from './simulator-messages.ts';

type Handlers = ServiceImpl<typeof SimulatorServiceDescriptor>;
type SessionOf = (context: HandlerContext, allowAll?: boolean) => string;

/** What testers have. */
export interface SimulatorParts {
  readonly steering: Steering;
  readonly journal: JournalParts;
  readonly received: ReceivedParts;
}

/** The handlers of `simulator.v1.SimulatorService`. */
export function createSimulatorHandlers(
  { steering, journal, received }: SimulatorParts,
  readers: CallReaders,
): Handlers {
  const sessionOf: SessionOf = (context, allowAll) =>
    readSessionKey(readers, context, allowAll) ?? globalSession;
  return {
    ...createRuleHandlers(steering, sessionOf),
    ...createSessionHandlers(steering, sessionOf),
    ...createJournalHandlers(journal, sessionOf),
    ...createReceivedHandler(received, sessionOf),
    ...createLookHandlers(steering, journal.store, (context) => readSessionKey(readers, context)),
    advanceClock: (request, context) =>
      handleAdvance(steering, journal, request, sessionOf(context), context),
  };
}

function createRuleHandlers(
  steering: Steering,
  sessionOf: SessionOf,
): Pick<Handlers, 'createRule' | 'listRules' | 'deleteRule'> {
  return {
    async createRule({ rule }, context) {
      if (rule === undefined) {
        throw invalidField(
          'rule',
          'is required: {"match": {"user_id": "user-1"}, "simulation": {"outcome": "SIMULATED_OUTCOME_DECLINE"}}',
        );
      }
      const created = await steering.createRule(sessionOf(context), ruleFromProto(rule));
      return create(CreateRuleResponseSchema, { rule: ruleToProto(created) });
    },

    async listRules(_request, context) {
      const rules = await steering.listRules(sessionOf(context, true));
      return create(ListRulesResponseSchema, { rules: rules.map(ruleToProto) });
    },

    async deleteRule({ ruleId }, context) {
      const violations: Violations = [];
      requireId(violations, 'rule_id', ruleId);
      throwIfAny(violations);
      await steering.deleteRule(sessionOf(context), ruleId);
      return create(DeleteRuleResponseSchema);
    },
  };
}

function createSessionHandlers(
  steering: Steering,
  sessionOf: SessionOf,
): Pick<Handlers, 'updateSession' | 'getSession' | 'resetSession'> {
  return {
    async updateSession({ session }, context) {
      if (session === undefined) {
        throw invalidField('session', 'is required: {"default": {"delay_ms": 100}}');
      }
      const sessionId = sessionOf(context);
      checkSame(session, sessionId);
      const settings = await steering.updateSession(sessionId, sessionFromProto(session));
      return create(UpdateSessionResponseSchema, {
        session: sessionToProto(sessionId, settings, steering.nowOf(sessionId)),
      });
    },

    async getSession(_request, context) {
      const sessionId = sessionOf(context);
      const { settings, counters } = await steering.readSession(sessionId);
      return create(GetSessionResponseSchema, {
        session: sessionToProto(sessionId, settings, steering.nowOf(sessionId)),
        counters: countersToProto(counters),
      });
    },

    async resetSession(_request, context) {
      return create(ResetSessionResponseSchema, await steering.resetSession(sessionOf(context, true)));
    },
  };
}

function checkSame({ sessionId: given, now }: Session, sessionId: string): void {
  if (now !== undefined) {
    throw invalidField('session.now', 'is not to be given; AdvanceClock moves the clock');
  }
  if (given !== '' && given !== sessionId) {
    throw invalidField(
      'session.session_id',
      `must be that of the header payment-sim-session, which is ${sessionId === '' ? 'not there' : JSON.stringify(sessionId)}`,
    );
  }
}
