import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MachineClock } from '../../base/clock.ts';
import type { Inbox } from '../../simulator/journal/inbox.ts';
import type { PlainListener } from '../port/plain-requests.ts';
import { HeldBody } from '../transport/body-budget.ts';
import { collectBody } from '../transport/collect-body.ts';
import { splitTarget } from '../transport/request-target.ts';
import { describeWebhook } from './received.ts';

/** The built-in receiver of webhooks, at `/inbox` and below. */
export interface InboxPages {
  has(path: string): boolean;
  readonly listener: PlainListener;
}

interface InboxDeps {
  readonly inbox: Inbox;
  readonly machine: Pick<MachineClock, 'now'>;
  /** The service's own. */
  readonly secrets: readonly string[];
}

/** A webhook has less than a thousand. */
const maxBodyBytes = 65_536;
const pathPattern = /^\/inbox(?:\/[^/]{0,128})?$/;
/** Whether a request's target is the receiver's. */
export function isInboxTarget(target: string): boolean {
  return target.startsWith('/inbox') && pathPattern.test(splitTarget(target).path);
}

const about =
  'Webhooks that are posted here are kept and verified: ListReceived of simulator.v1.SimulatorService tells them. ' +
  'They are answered 204, 401 when they do not verify, or what ?answer= asks for, such as /inbox?answer=503.\n';

/** Takes webhooks. */
export function createInboxPages(deps: InboxDeps): InboxPages {
  return {
    has: (path) => pathPattern.test(path),
    listener: (request, response, bodies) => {
      if (request.method !== 'POST') {
        answerOthers(request, response);
        return;
      }
      const wanted = wantedAnswer(splitTarget(request.url).query);
      if (wanted === 'unusable') {
        sendText(response, 400, 'answer must be a status code from 200 to 599, such as /inbox?answer=503\n');
        return;
      }
      receive(deps, request, response, new HeldBody(bodies), wanted);
    },
  };
}

function receive(
  { inbox, machine, secrets }: InboxDeps,
  request: IncomingMessage,
  response: ServerResponse,
  held: HeldBody,
  wanted: number | undefined,
): void {
  request.once('close', () => held.release());
  collectBody(request, maxBodyBytes, {
    held,
    onWhole(body) {
      held.release();
      const atMs = machine.now();
      const described = describeWebhook(request, body, secrets, atMs);
      const statusCode = wanted ?? (described.problem === undefined ? 204 : 401);
      inbox.add({ ...described, atMs, path: request.url ?? '', statusCode });
      response.writeHead(statusCode).end();
    },
    onTooLarge: () => sendText(response, 413, `a body may have at most ${maxBodyBytes} bytes\n`),
    onNoRoom: () => sendText(response, 503, 'too much is being received; try again\n'),
  });
}

function answerOthers({ method }: IncomingMessage, response: ServerResponse): void {
  if (method === 'GET' || method === 'HEAD') {
    sendText(response, 200, about);
  } else {
    response.setHeader('allow', 'POST, GET, HEAD');
    sendText(response, 405, about);
  }
}

/** Undefined: nobody asks for one. */
function wantedAnswer(query: string): number | 'unusable' | undefined {
  const answer = new URLSearchParams(query).get('answer');
  if (answer === null) {
    return undefined;
  }
  return /^[2-5]\d\d$/.test(answer) ? Number(answer) : 'unusable';
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}
