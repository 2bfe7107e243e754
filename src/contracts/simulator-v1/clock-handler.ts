import { create } from '@bufbuild/protobuf';
import { durationMs, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type AdvanceClockRequest,
  type AdvanceClockResponse,
  AdvanceClockResponseSchema,
} from '../../../gen/simulator/v1/simulator_pb.js';
import { invalidField } from '../../payment/errors.ts';
import { cursorOf } from '../../simulator/journal/cursor.ts';
import { noLimits } from '../../simulator/journal/journal.ts';
import type { EntryKind } from '../../simulator/journal/entry.ts';
import type { JournalStore } from '../../simulator/journal/ports.ts';
import type { AdvanceTarget } from '../../simulator/session-clocks.ts';
import { isInScope } from '../../simulator/session.ts';
import type { Steering } from '../../simulator/steering.ts';
import { entryToProto } from './journal-messages.ts';

const dayMs = 86_400_000;
const maxMs = 31 * dayMs;
/** Of each kind, in an answer. */
const maxGiven = 1_000;

/** Moves the clock of a session, and tells what has happened. */
export async function handleAdvance(
  steering: Pick<Steering, 'advance' | 'nowOf'>,
  { store, stopping }: { readonly store: JournalStore; readonly stopping: AbortSignal },
  request: AdvanceClockRequest,
  sessionId: string,
  context: HandlerContext,
): Promise<AdvanceClockResponse> {
  const target = readTarget(request, steering.nowOf(sessionId));
  // All that happens is told.
  const unfollow = store.follow();
  const from = store.journal.next();
  const signal = AbortSignal.any([context.signal, stopping]);
  const nowMs = await steering.advance(sessionId, target, signal).finally(unfollow);
  const told = (kind: EntryKind) => {
    const isOurs = (entry: { readonly kind: EntryKind; readonly sessionId: string | undefined }) =>
      entry.kind === kind && isInScope(entry.sessionId, sessionId);
    return store.journal.read(from, isOurs, noLimits).entries;
  };
  const show = (placed: ReturnType<typeof told>) =>
    placed.slice(0, maxGiven).map((each) => entryToProto(each, cursorOf(store.journal, each.position)));
  const [transitions, deliveries] = [told('transition'), told('delivery')];
  return create(AdvanceClockResponseSchema, {
    now: timestampFromMs(nowMs),
    transitions: show(transitions),
    deliveries: show(deliveries),
    transitionsTotal: transitions.length,
    deliveriesTotal: deliveries.length,
  });
}

function readTarget({ how }: AdvanceClockRequest, nowMs: number | undefined): AdvanceTarget {
  switch (how.case) {
    case 'by': {
      const ms = durationMs(how.value);
      if (!(ms > 0 && ms <= maxMs)) {
        throw invalidField('by', 'must be above 0 and at most 31 days, such as "2s" or "86400s"');
      }
      return { kind: 'by', ms: Math.ceil(ms) };
    }
    case 'to': {
      const ms = timestampMs(how.value);
      if (nowMs !== undefined && !(ms >= nowMs && ms - nowMs <= maxMs)) {
        throw invalidField(
          'to',
          `must be from ${new Date(nowMs).toISOString()}, which it is in the session, to 31 days later: time goes forward`,
        );
      }
      return { kind: 'to', ms: Math.ceil(ms) };
    }
    case 'toNext':
    case 'untilIdle':
      if (!how.value) {
        throw invalidField(how.case === 'toNext' ? 'to_next' : 'until_idle', 'must be true, or not given');
      }
      return { kind: how.case === 'toNext' ? 'next' : 'idle' };
    case undefined:
      throw invalidField('how', 'is required: by, to, to_next or until_idle, such as {"by": "2s"}');
  }
}
