/** A webhook address, taken apart. */
export interface WebhookTarget {
  /** Scheme, host and port. */
  readonly origin: string;
  /** With the query. */
  readonly path: string;
}

/** @throws TypeError when it is no URL, which no address of a payment is. */
export function toWebhookTarget(url: string): WebhookTarget {
  const { origin, pathname, search } = new URL(url);
  return { origin, path: pathname + search };
}
