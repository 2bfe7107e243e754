import type { IncomingHttpHeaders } from 'node:http';

/** The headers of a call over either HTTP version. */
type CallHeaders = IncomingHttpHeaders & { ':authority'?: string | undefined };

/** Stands for a host that is none. Nothing here depends on the host of a call. */
const anyHost = 'localhost';

/** `http://host:port` of the absolute form of a request's target (RFC 9112, 3.2.2). */
const absoluteForm = /^https?:\/\/[^/?#]*/i;

/**
 * The path and query of a request's target, which begins with a slash. Never through `URL`: it takes `//a`
 * for a host, and throws for some that are none.
 */
export function originForm(target: string | undefined): string {
  const path = (target ?? '').replace(absoluteForm, '');
  return path.startsWith('/') ? path : `/${path}`;
}

/** What of a request's target comes before the query, and what comes after its `?`. */
export function splitTarget(target: string | undefined): { readonly path: string; readonly query: string } {
  const whole = originForm(target);
  const mark = whole.indexOf('?');
  return mark < 0 ? { path: whole, query: '' } : { path: whole.slice(0, mark), query: whole.slice(mark + 1) };
}

/** The full address that was called, whatever host the caller named. */
export function callUrl(headers: CallHeaders, target: string | undefined): string {
  const host = headers[':authority'] ?? headers.host;
  return new URL(`http://${isUsable(host) ? host : anyHost}${originForm(target)}`).toString();
}

/**
 * Puts a host of its own in place of one that no URL can have, upon which Connect's adapter throws. Old
 * grpc-go calls `:8030`, its Unix sockets and those of C core have `%2Frun%2Fapp.sock`, HTTP/1.0 none.
 * https://github.com/grpc/grpc/issues/38142, https://github.com/grpc/grpc-go/pull/3983
 */
export function replaceUnusableHost(headers: CallHeaders): void {
  if (!isUsable(headers[':authority'] ?? headers.host)) {
    delete headers[':authority'];
    headers.host = anyHost;
  }
}

function isUsable(host: string | undefined): host is string {
  return host !== undefined && !host.includes('/') && URL.canParse(`http://${host}/`);
}
