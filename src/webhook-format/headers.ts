import { WebhookVerificationError } from './verification-error.ts';

/**
 * Headers as frameworks have them: those of `node:http` (Express and Fastify pass them on), the web's
 * `Headers`, a `Map`, or any object by name. Names are found in upper and lower case.
 */
export type WebhookHeaders =
  | Iterable<readonly [string, string | readonly string[] | undefined]>
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The values of some headers, by their names.
 *
 * @param names in lower case.
 * @throws WebhookVerificationError `MalformedHeader` when one of them is there more than once.
 */
export function pickHeaders(headers: WebhookHeaders, names: readonly string[]): ReadonlyMap<string, string> {
  const picked = new Map<string, string>();
  for (const [givenName, value] of entriesOf(headers)) {
    const name = givenName.toLowerCase();
    if (value === undefined || !names.includes(name)) {
      continue;
    }
    for (const one of typeof value === 'string' ? [value] : value) {
      if (picked.has(name)) {
        throw new WebhookVerificationError('MalformedHeader', `${name} is there more than once`);
      }
      picked.set(name, one);
    }
  }
  return picked;
}

function entriesOf(headers: WebhookHeaders) {
  return isIterable(headers) ? headers : Object.entries(headers);
}

function isIterable(
  headers: WebhookHeaders,
): headers is Iterable<readonly [string, string | readonly string[] | undefined]> {
  return Symbol.iterator in headers;
}
