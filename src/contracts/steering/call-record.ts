import { type DescMethod, type Message, toJson } from '@bufbuild/protobuf';
import type { ConnectError } from '@connectrpc/connect';
import type { MachineClock } from '../../base/clock.ts';
import type { CallEntry, CallTexts } from '../../simulator/journal/entry.ts';
import type { CallDecision } from '../call-readers.ts';
import type { QuietStore } from '../../simulator/journal/quiet-store.ts';
import { SimulatedFault } from './simulated-answer.ts';

/** A call that was answered. */
export interface AnsweredCall {
  readonly method: DescMethod;
  /** Undefined when it could not be read. */
  readonly request: Message | undefined;
  /** Undefined when there was an error instead. */
  readonly answer: Message | undefined;
  readonly failure: ConnectError | undefined;
  /** What testers have decided; undefined when nobody has said anything. */
  readonly decision: CallDecision | undefined;
  readonly durationMs: number;
}

/** Notes a call. */
export type RecordCall = (call: AnsweredCall) => void;

const noRules: readonly string[] = [];

/** Notes calls of the contracts for payments, and no other. */
export function createCallRecorder(
  machine: Pick<MachineClock, 'now'>,
  { append, wants }: Pick<QuietStore, 'append' | 'wants'>,
  service: string,
): RecordCall {
  return (call) => {
    const { method, failure, decision } = call;
    if (decision?.isUnseen === true || method.parent.typeName !== service) {
      return;
    }
    if (failure !== undefined || wants(decision?.sessionId)) {
      forgetUnknown(call.request);
      append(toEntry(call, machine.now()));
    }
  };
}

/** What the contract does not know is not told, and would hold the whole body in memory. */
function forgetUnknown(message: Message | undefined): void {
  if (message?.$unknown !== undefined) {
    delete message.$unknown;
  }
}

function toEntry(call: AnsweredCall, atMs: number): CallEntry {
  const { method, request, answer, failure, decision, durationMs } = call;
  const fault = failure?.cause instanceof SimulatedFault ? failure.cause.report : undefined;
  const decided = decision ?? fault?.decision;
  return {
    kind: 'call',
    atMs,
    paymentId: paymentIdOf(answer) ?? paymentIdOf(request) ?? '',
    sessionId: decided?.sessionId,
    method: method.name,
    texts: new MessageTexts(method, request, answer),
    textBytes: bytesOfMessage(request) + bytesOfMessage(answer),
    code: failure?.code ?? 0,
    message: failure?.rawMessage ?? '',
    ruleIds: decided?.ruleIds ?? noRules,
    fault: fault === undefined ? undefined : fault.api.drop ? 'drop' : 'error',
    durationMs,
  };
}

/** Messages whose JSON is made when somebody reads it. */
class MessageTexts implements CallTexts {
  readonly #method: DescMethod;
  readonly #request: Message | undefined;
  readonly #answer: Message | undefined;

  constructor(method: DescMethod, request: Message | undefined, answer: Message | undefined) {
    this.#method = method;
    this.#request = request;
    this.#answer = answer;
  }

  request(): string {
    return this.#request === undefined ? '' : jsonOf(this.#method.input, this.#request);
  }

  answer(): string {
    return this.#answer === undefined ? '' : jsonOf(this.#method.output, this.#answer);
  }
}

/** With the contract's own names, as in the guides: Connect takes these too. */
function jsonOf(desc: DescMethod['input'], message: Message): string {
  return JSON.stringify(toJson(desc, message, { useProtoFieldName: true }));
}

/** Messages of both contracts that are about one payment have its id in this field. */
function paymentIdOf(message: Message | undefined): string | undefined {
  if (message === undefined || !('paymentIntentId' in message)) {
    return undefined;
  }
  const { paymentIntentId } = message;
  return typeof paymentIntentId === 'string' && paymentIntentId !== '' ? paymentIntentId : undefined;
}

/** An object with a few fields, in bytes. */
const objectBytes = 120;

/** What a message takes in memory, in bytes. */
function bytesOfMessage(message: object | undefined): number {
  if (message === undefined) {
    return 0;
  }
  let bytes = objectBytes;
  // Not Object.entries, which makes an array for each field of each call.
  for (const name of Object.keys(message)) {
    const value: unknown = Reflect.get(message, name);
    // Names of fields are there once for all, but a map's keys come from the caller.
    bytes += 2 * name.length;
    if (typeof value === 'string') {
      bytes += 2 * value.length;
    } else if (typeof value === 'object' && value !== null) {
      bytes += bytesOfMessage(value);
    }
  }
  return bytes;
}
