import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** Node's request headers as web `Headers`, without HTTP/2's pseudo-headers. */
export function toWebHeaders(nodeHeaders: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(nodeHeaders)) {
    if (name.startsWith(':') || value === undefined) {
      continue;
    }
    for (const one of Array.isArray(value) ? value : [value]) {
      headers.append(name, one);
    }
  }
  return headers;
}

/** Web `Headers` as Node takes them; repeated `set-cookie` stays repeated. */
export function toNodeHeaders(headers: Headers): OutgoingHttpHeaders {
  const nodeHeaders: OutgoingHttpHeaders = Object.fromEntries(headers);
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) {
    nodeHeaders['set-cookie'] = cookies;
  }
  return nodeHeaders;
}
