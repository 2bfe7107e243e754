import type { IncomingHttpHeaders } from 'node:http';

/** The headers of a request, pseudo-headers among them; lower case, repeated ones as Node joins them. */
export type RequestHeaders = IncomingHttpHeaders & {
  ':method'?: string;
  ':path'?: string;
  ':scheme'?: string;
  ':authority'?: string;
};

/** Those of a connection, which HTTP/2 has no place for (RFC 9113, 8.2.2). */
const ofConnection: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);
const pseudoHeaders: ReadonlySet<string> = new Set([':method', ':path', ':scheme', ':authority']);
/** Of which the first counts, as Node has it for HTTP/1.1 too. */
const single: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'content-type',
  'date',
  'expect',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'user-agent',
]);
const lengthPattern = /^[0-9]{1,15}$/;
const namePattern = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// eslint-disable-next-line no-control-regex -- control characters are what it looks for.
const badValue = /[\u0000-\u0008\u000a-\u001f\u007f]|^[ \t]|[ \t]$/;

/** Names that were found good; those of clients are few. */
const goodNames = new Set<string>();
const maxGoodNames = 1_000;

/**
 * An object without the members of all objects: `constructor` is a name like any other. One of a class is quicker to
 * fill and to read than `Object.create(null)`.
 */
// eslint-disable-next-line typescript/no-unsafe-type-assertion -- an empty object has all that headers must have.
const Fields = function Fields() {} as unknown as new () => RequestHeaders;
Object.defineProperty(Fields, 'prototype', { value: Object.create(null) });

function isName(name: string): boolean {
  if (goodNames.has(name)) {
    return true;
  }
  const isGood = namePattern.test(name) && !ofConnection.has(name);
  if (isGood && goodNames.size < maxGoodNames && name.length < 64) {
    goodNames.add(name);
  }
  return isGood;
}

/**
 * Reads the fields of a request (RFC 9113, 8.2 and 8.3).
 *
 * @param fields names and values, alternating.
 * @returns undefined for a malformed one.
 */
export function readRequestHead(fields: readonly string[]): RequestHeaders | undefined {
  const headers = new Fields();
  let hasRegular = false;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? '';
    const value = fields[at + 1] ?? '';
    if (name.charCodeAt(0) === 58) {
      if (hasRegular || !pseudoHeaders.has(name) || headers[name] !== undefined || badValue.test(value)) {
        return undefined;
      }
      headers[name] = value;
    } else {
      hasRegular = true;
      if (!isName(name) || badValue.test(value) || !isAllowed(headers, name, value)) {
        return undefined;
      }
      addHeader(headers, name, value);
    }
  }
  return isComplete(headers) ? headers : undefined;
}

/** Whether a header may be so: TE has one value in HTTP/2 (8.2.2), and a length is one number (RFC 9110, 8.6). */
function isAllowed(headers: RequestHeaders, name: string, value: string): boolean {
  switch (name) {
    case 'te':
      return value === 'trailers';
    case 'content-length':
      return headers[name] === undefined && lengthPattern.test(value);
    default:
      return true;
  }
}

function addHeader(headers: RequestHeaders, name: string, value: string): void {
  const before = headers[name];
  if (name === 'set-cookie') {
    headers[name] = [...(headers[name] ?? []), value];
  } else if (before === undefined) {
    headers[name] = value;
  } else if (!single.has(name)) {
    headers[name] = `${before.toString()}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
}

function isComplete(headers: RequestHeaders): boolean {
  const path = headers[':path'];
  const method = headers[':method'];
  if (method === 'CONNECT') {
    return path === undefined && headers[':scheme'] === undefined && headers[':authority'] !== undefined;
  }
  return (
    method !== undefined &&
    headers[':scheme'] !== undefined &&
    path !== undefined &&
    (path.startsWith('/') || (path === '*' && method === 'OPTIONS'))
  );
}

/** Whether the fields of trailers are well formed. */
export function areTrailersWellFormed(fields: readonly string[]): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    if (!isName(fields[at] ?? '') || badValue.test(fields[at + 1] ?? '')) {
      return false;
    }
  }
  return true;
}
