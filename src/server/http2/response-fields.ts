import { type OutgoingHttpHeaders, validateHeaderName, validateHeaderValue } from 'node:http';

/** Those of a connection, which HTTP/2 has no place for (RFC 9113, 8.2.2). */
const ofConnection: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Headers as a list of names and values.
 *
 * @throws TypeError for a name or value that no header can have.
 */
export function toFields(headers: OutgoingHttpHeaders): string[] {
  const fields: string[] = [];
  for (const given of Object.keys(headers)) {
    const value = headers[given];
    const name = given.toLowerCase();
    if (value === undefined || ofConnection.has(name)) {
      continue;
    }
    validateHeaderName(name);
    for (const one of Array.isArray(value) ? value : [value]) {
      const text = String(one);
      validateHeaderValue(name, text);
      fields.push(name, text);
    }
  }
  return fields;
}

let dateSecond = Number.NaN;
let date = '';

/** The `date` header of now. */
export function currentDate(): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== dateSecond) {
    dateSecond = second;
    date = new Date(second * 1_000).toUTCString();
  }
  return date;
}

/** The head of an answer, with its date. @throws TypeError as `toFields` */
export function headFields(status: number, headers: OutgoingHttpHeaders): string[] {
  const fields = toFields(headers);
  return headers['date'] === undefined
    ? [':status', String(status), ...fields, 'date', currentDate()]
    : [':status', String(status), ...fields];
}
