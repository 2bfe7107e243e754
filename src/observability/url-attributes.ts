import type { SpanAttributes } from '../base/span.ts';

/** What a span says of an address: without the query, where receivers keep their secrets. */
export function urlAttributes(url: string): SpanAttributes {
  const { protocol, hostname, port, origin, pathname } = new URL(url);
  return {
    'url.full': origin + pathname,
    'server.address': hostname,
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  };
}
