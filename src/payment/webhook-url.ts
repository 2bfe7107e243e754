import { memoize } from '../base/memoize.ts';

/** Longest webhook address, in UTF-16 code units; what browsers and proxies commonly carry. */
const maxLength = 2048;
/** Addresses whose verdict is remembered: most payments of a load test have the same. */
const maxRemembered = 1_000;

/** Says what is wrong with a webhook address, undefined when nothing is. */
export type WebhookUrlCheck = (value: string) => string | undefined;

/**
 * The check of webhook addresses.
 *
 * @param checkFurther asked last, about addresses that are good so far (such as the egress policy). Pure:
 *   it is not asked twice in short order about the same.
 */
export function createWebhookUrlCheck(checkFurther: (url: URL) => string | undefined): WebhookUrlCheck {
  const check = memoize((value) => describeProblem(value, checkFurther), maxRemembered);
  return (value) =>
    value.length > maxLength
      ? `must be at most ${maxLength} characters long, not ${value.length}`
      : check(value);
}

function describeProblem(value: string, checkFurther: (url: URL) => string | undefined): string | undefined {
  const url = URL.parse(value);
  if (url === null) {
    return 'is not an absolute URL, such as "https://example.com/webhooks"';
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return 'must start with http:// or https://';
  }
  // URL parsers forgive all of what follows, each in its own way: what is stored and logged must read
  // as the address that is called.
  const authority = plainStart.exec(value)?.[1];
  if (authority === undefined) {
    return 'must start with http:// or https:// and a host';
  }
  if (authority.includes('@')) {
    return 'must not carry credentials';
  }
  if (forgivenCharacter.test(value)) {
    return 'must be without spaces, control characters and backslashes';
  }
  return checkFurther(url);
}

/** Scheme, two slashes, and what comes before the path. */
const plainStart = /^https?:\/\/([^/\\?#]+)/i;
/** Anything but visible characters; and backslashes, which URL parsers take for slashes. */
const forgivenCharacter = /[^\u0021-\u005b\u005d-\u007e\u00a1-\uffff]/;
