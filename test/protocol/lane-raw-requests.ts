import { servicePath } from '../support/clients/payment-client.ts';
import { validCreate } from './case-context.ts';
import { readMaxBytes } from './lane-requests.ts';

/** Requests on one HTTP/1.1 connection, as they are sent; the last one asks for its end. */
export interface RawRequests {
  readonly name: string;
  readonly pieces: readonly string[];
  /** The statuses that come back. */
  readonly answers: readonly number[];
}

const json = JSON.stringify(validCreate());
const length = `content-length: ${json.length}`;

function head(...lines: string[]): string {
  const first = `POST ${servicePath}/CreatePaymentIntent HTTP/1.1`;
  // The service would make a request id at random for what it refuses.
  const known = ['host: a', 'content-type: application/json', 'x-request-id: request-1'];
  return [first, ...known, ...lines, '', ''].join('\r\n');
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

const last = head('connection: close', length);
const kept = head(length);
const unknown = kept.replace('Create', 'Make');
const chunked = head('connection: close', 'transfer-encoding: chunked');
const asking = head('connection: close', 'expect: 100-continue', length);
const end = chunk('');

export const rawRequests: readonly RawRequests[] = [
  { name: 'in one piece', pieces: [last + json], answers: [200] },
  { name: 'head, then body', pieces: [last, json], answers: [200] },
  { name: 'letter by letter', pieces: (last + json).split(''), answers: [200] },
  { name: 'chunked', pieces: [chunked, chunk(json.slice(0, 9)), chunk(json.slice(9)), end], answers: [200] },
  { name: 'chunked, with a trailer', pieces: [chunked, chunk(json), '0\r\nx-a: 1\r\n\r\n'], answers: [200] },
  { name: 'chunked, without a body', pieces: [chunked, end], answers: [400] },
  {
    name: 'chunked, too large',
    pieces: [chunked, chunk(' '.repeat(readMaxBytes)), chunk(json), end],
    answers: [429],
  },
  { name: 'pipelined', pieces: [kept + json + kept + json + last + json], answers: [200, 200, 200] },
  {
    name: 'pipelined, the second refused',
    pieces: [kept + json + unknown + json + last + json],
    answers: [200, 501, 200],
  },
  { name: 'waiting to be asked for the body', pieces: [asking, json], answers: [100, 200] },
];
