import { readHttpUrl } from '../base/http-url.ts';
import { memoize } from '../base/memoize.ts';

/** Longest webhook address, in UTF-16 code units; what browsers and proxies commonly carry. */
const maxLength = 2048;
/** Addresses whose verdict is remembered: most payments of a load test have the same. */
const maxRemembered = 1_000;

/** What a webhook address comes to. */
type WebhookUrlVerdict =
  /** As it is stored, logged and called. */
  { readonly address: string } | { readonly problem: string };

/** Says what is called for a webhook address, or what is wrong with it. */
export type WebhookUrlCheck = (value: string) => WebhookUrlVerdict;

/**
 * The check of webhook addresses.
 *
 * @param checkFurther asked last, about addresses that are good so far (such as the egress policy). Pure:
 *   it is not asked twice in short order about the same.
 */
export function createWebhookUrlCheck(checkFurther: (url: URL) => string | undefined): WebhookUrlCheck {
  const check = memoize((value) => judge(value, checkFurther), maxRemembered);
  return (value) => (value.length > maxLength ? { problem: tooLong(value.length) } : check(value));
}

function judge(value: string, checkFurther: (url: URL) => string | undefined): WebhookUrlVerdict {
  const reading = readHttpUrl(value);
  if ('problem' in reading) {
    return reading;
  }
  const { url, address } = reading;
  const problem =
    address.length > maxLength ? `${tooLong(address.length)} in percent-encoding` : checkFurther(url);
  return problem === undefined ? { address } : { problem };
}

function tooLong(length: number): string {
  return `must be at most ${maxLength} characters long, not ${length}`;
}
