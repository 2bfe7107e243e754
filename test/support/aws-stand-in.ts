import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** An entry of PutEvents as it came, with its detail parsed. */
export interface PutEntry {
  readonly Source: string;
  readonly DetailType: string;
  readonly EventBusName: string;
  readonly Detail: string;
  readonly Time: number;
  readonly detail: Record<string, unknown>;
}

/** A message of SendMessageBatch as it came. */
export interface SentMessage {
  readonly MessageBody: string;
  readonly MessageAttributes: Record<string, { readonly StringValue: string }>;
}

/** How one PutEvents call is answered. */
export type Answer =
  | { readonly kind: 'accept' }
  /** Accepts some entries and fails those that `codeFor` gives an error code for. */
  | {
      readonly kind: 'partial';
      readonly codeFor: (entry: PutEntry, index: number) => string | undefined;
      /** Leaves out the results of later entries. */
      readonly resultCount?: number;
    }
  | { readonly kind: 'error'; readonly status: number; readonly code: string }
  /** Closes the connection without an answer; `afterAccepting` makes the outcome unknown to the caller. */
  | { readonly kind: 'reset'; readonly afterAccepting?: boolean }
  /** Never answers, or sends headers and half of a body first. */
  | { readonly kind: 'hang'; readonly halfAnswer?: boolean };

/** A server that speaks the protocols of EventBridge and SQS and fails as it is told. */
export interface AwsStandIn {
  readonly url: string;
  /** Every PutEvents call, in order, however it was answered. */
  readonly calls: readonly (readonly PutEntry[])[];
  readonly accepted: readonly PutEntry[];
  readonly messages: readonly SentMessage[];
  /** Answers the next calls so, one each; calls beyond these get the usual answer. */
  answerNext(...answers: readonly Answer[]): void;
  answerUsually(answer: Answer): void;
  /** Answers any operation but PutEvents; return undefined for what there is by default. */
  answerOperation(
    operation: string,
    answer: (input: Record<string, unknown>) => { readonly status: number; readonly body: unknown },
  ): void;
  /** Resolves when `predicate` holds; looked at after every request. */
  until(predicate: (standIn: AwsStandIn) => boolean): Promise<void>;
  close(): void;
}

/** Starts the stand-in; it stops when the test is finished. */
export async function startAwsStandIn(port = 0): Promise<AwsStandIn> {
  const calls: PutEntry[][] = [];
  const accepted: PutEntry[] = [];
  const messages: SentMessage[] = [];
  const script: Answer[] = [];
  const operations = new Map<string, Parameters<AwsStandIn['answerOperation']>[1]>();
  const waiters = new Set<() => void>();
  let usual: Answer = { kind: 'accept' };

  operations.set('AmazonSQS.SendMessageBatch', (input) => {
    const entries = input['Entries'] as (SentMessage & { readonly Id: string })[];
    messages.push(...entries);
    const sent = entries.map((entry) => ({
      Id: entry.Id,
      MessageId: randomUUID(),
      MD5OfMessageBody: createHash('md5').update(entry.MessageBody).digest('hex'),
    }));
    return { status: 200, body: { Successful: sent, Failed: [] } };
  });
  operations.set('AWSEvents.DescribeEventBus', (input) => ({ status: 200, body: { Name: input['Name'] } }));

  const server = createServer((request, response) => void handle(request, response));

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const input = await readJson(request);
    const target = String(request.headers['x-amz-target']);
    if (target === 'AWSEvents.PutEvents') {
      answerPutEvents(input, response);
    } else {
      const unknown = { __type: 'UnknownOperationException', message: target };
      const answer = operations.get(target)?.(input) ?? { status: 400, body: unknown };
      reply(response, answer.status, answer.body);
    }
    for (const check of waiters) {
      check();
    }
  }

  function answerPutEvents(input: Record<string, unknown>, response: ServerResponse): void {
    const entries = (input['Entries'] as PutEntry[]).map((entry) =>
      Object.assign(entry, { detail: JSON.parse(entry.Detail) as Record<string, unknown> }),
    );
    calls.push(entries);
    const answer = script.shift() ?? usual;
    switch (answer.kind) {
      case 'accept':
        accepted.push(...entries);
        reply(response, 200, {
          FailedEntryCount: 0,
          Entries: entries.map(() => ({ EventId: randomUUID() })),
        });
        break;
      case 'partial': {
        const codes = entries.map((entry, index) => answer.codeFor(entry, index));
        accepted.push(...entries.filter((_, index) => codes[index] === undefined));
        reply(response, 200, {
          FailedEntryCount: codes.filter((code) => code !== undefined).length,
          Entries: codes
            .slice(0, answer.resultCount)
            .map((code) =>
              code === undefined
                ? { EventId: randomUUID() }
                : { ErrorCode: code, ErrorMessage: 'as the test wants' },
            ),
        });
        break;
      }
      case 'error':
        reply(response, answer.status, { __type: answer.code, message: 'as the test wants' });
        break;
      case 'reset':
        if (answer.afterAccepting === true) {
          accepted.push(...entries);
        }
        response.socket?.resetAndDestroy();
        break;
      case 'hang':
        if (answer.halfAnswer === true) {
          response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1', 'content-length': 1_000 });
          response.write('{"FailedEntryCount":');
        }
        break;
    }
  }

  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  onTestFinished(close);
  const standIn: AwsStandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    accepted,
    messages,
    answerNext: (...answers) => void script.push(...answers),
    answerUsually(answer) {
      usual = answer;
    },
    answerOperation: (operation, answer) => void operations.set(operation, answer),
    async until(predicate) {
      await new Promise<void>((resolve) => {
        const check = (): void => {
          if (predicate(standIn)) {
            waiters.delete(check);
            resolve();
          }
        };
        waiters.add(check);
        check();
      });
    },
    close,
  };
  return standIn;
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(body));
}
