import { memoize } from './memoize.ts';
import { findInvisible } from './visible-text.ts';

/** An http or https URL that somebody gave as text. */
export type HttpUrlReading =
  | {
      readonly url: URL;
      /** As it is called: the text itself unless URLs write it differently, and without a fragment. */
      readonly address: string;
    }
  | { readonly problem: string };

/**
 * Reads an http or https URL. URL parsers forgive blanks, control and invisible characters, backslashes and
 * missing slashes, each in its own way; here they are refused, so that what is stored, logged and called is one
 * text. A problem does not repeat the text, which may have a password in it.
 */
export function readHttpUrl(text: string): HttpUrlReading {
  const invisible = findInvisible(text);
  if (invisible !== undefined) {
    return { problem: `must be without control and invisible characters, and has ${invisible}` };
  }
  const url = URL.parse(text);
  if (url === null) {
    return { problem: 'is not an absolute URL, such as "https://example.com/webhooks"' };
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return { problem: 'must start with http:// or https://' };
  }
  const authority = plainStart.exec(text)?.[1];
  if (authority === undefined) {
    return { problem: 'must start with http:// or https:// and a host' };
  }
  if (authority.includes('@')) {
    return { problem: 'must not carry credentials' };
  }
  if (/[\s\\]/.test(text)) {
    return { problem: 'must be without blanks and backslashes' };
  }
  return { url, address: addressOf(url, text) };
}

/** Scheme, two slashes, and what comes before the path. */
const plainStart = /^https?:\/\/([^/\\?#]+)/i;

function addressOf(url: URL, text: string): string {
  const called = new URL(url);
  called.hash = '';
  const plainText = text.replace(/#.*$/, '');
  // An address without a path is called with the path "/".
  return called.href === `${plainText}/` ? plainText : called.href;
}

/** Addresses whose origin is kept: most webhooks of a service go to few. */
const maxOrigins = 1_000;

/** Scheme, host and port of an address that `readHttpUrl` has given. */
export const originOf: (address: string) => string = memoize(
  (address) => new URL(address).origin,
  maxOrigins,
);
