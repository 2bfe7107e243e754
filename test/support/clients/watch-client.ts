import {
  type ClientReadableStream,
  Client,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import type { JsonObject } from './payment-client.ts';
import { find } from './steering-client.ts';

/** An entry, with the names that the proto files have. */
export interface WatchedEntry {
  readonly cursor: string;
  readonly kind: string;
  readonly session_id: string;
  readonly payment_intent_id: string;
  readonly call?: { readonly method: string; readonly request: string; readonly answer: string } & JsonObject;
  readonly transition?: { readonly payment: JsonObject } & JsonObject;
  readonly delivery?: WatchedDelivery;
}

/** A delivery, as ListDeliveries has it too. */
export interface WatchedDelivery {
  readonly event_id: string;
  readonly payment_intent_id: string;
  readonly payment_status: string;
  readonly status: string;
  readonly channel: string;
  readonly faults?: readonly string[];
  readonly attempts?: readonly WatchedAttempt[];
}

/** An attempt of a delivery. */
export interface WatchedAttempt {
  readonly number: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A message of the stream. */
export interface WatchMessage {
  readonly sampled_out: string;
  readonly entries: readonly WatchedEntry[];
  readonly cursor: string;
  readonly skipped: string;
}

/** A Watch that is open. */
export interface WatchClient {
  readonly messages: readonly WatchMessage[];
  readonly entries: readonly WatchedEntry[];
  /** Resolves with the first entry that fits, as soon as it is in; rejects when the stream ends before. */
  until(fits: (entry: WatchedEntry) => boolean): Promise<WatchedEntry>;
  /** Resolves with the first message. */
  opened(): Promise<WatchMessage>;
  /** Resolves with the name of the code with which the stream ended, and its text. */
  readonly ended: Promise<readonly [code: string, text: string]>;
  /** Stops to read, as somebody does who hangs. */
  pause(): void;
  resume(): void;
  cancel(): void;
}

/** What is not said is nothing, in proto3. */
function withDefaults(data: JsonObject): WatchMessage {
  const message = Object.assign(
    { entries: [], cursor: '', skipped: '0', sampled_out: '0' },
    data,
  ) as unknown as WatchMessage;
  return { ...message, entries: message.entries.map(fillEntry) };
}

function fillEntry(entry: WatchedEntry): WatchedEntry {
  const call = entry.call && Object.assign({ request: '', answer: '', fault: '' }, entry.call);
  return Object.assign({ session_id: '', payment_intent_id: '' }, entry, call && { call });
}

/** Opens a Watch by @grpc/grpc-js; it ends when the test is finished. */
export function openWatch(
  apiUrl: string,
  request: JsonObject = {},
  headers: Readonly<Record<string, string>> = {},
): WatchClient {
  const client = new Client(new URL(apiUrl).host, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  });
  const { path, codec } = find('Watch');
  const metadata = new Metadata();
  Object.entries(headers).forEach(([name, value]) => metadata.set(name, value));
  const stream: ClientReadableStream<JsonObject> = client.makeServerStreamRequest(
    path,
    codec.requestSerialize,
    codec.responseDeserialize,
    request,
    metadata,
  );
  const messages: WatchMessage[] = [];
  const waiters = new Set<() => void>();
  const wake = () => waiters.forEach((look) => look());
  let isOver = false;
  stream.on('data', (data: JsonObject) => {
    messages.push(withDefaults(data));
    wake();
  });
  const ended = new Promise<readonly [string, string]>((resolve) => {
    const end = (code: number, text: string) => {
      isOver = true;
      resolve([status[code] ?? '', text]);
      wake();
    };
    stream.on('error', ({ code, details }: ServiceError) => end(code, details));
    stream.on('end', () => end(status.OK, ''));
  });
  onTestFinished(() => {
    stream.cancel();
    client.close();
  });
  const entries = () => messages.flatMap((message) => message.entries);
  function waitFor<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const lookAgain = () => {
        const found = look();
        if (found !== undefined) {
          waiters.delete(lookAgain);
          resolve(found);
        } else if (isOver) {
          waiters.delete(lookAgain);
          reject(new Error(`the stream ended after ${JSON.stringify(messages.slice(-3))}`));
        }
      };
      waiters.add(lookAgain);
      lookAgain();
    });
  }
  return {
    messages,
    get entries() {
      return entries();
    },
    until: (fits) => waitFor(() => entries().find(fits)),
    opened: () => waitFor(() => messages[0]),
    ended,
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    cancel: () => stream.cancel(),
  };
}
