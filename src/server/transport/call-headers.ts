import type { IncomingHttpHeaders } from 'node:http';
import { dropEndlessTimeouts } from './call-timeout.ts';

/** Makes of the headers of a call what all that serves it takes, before anything of it is looked at. */
export function prepareCallHeaders(headers: IncomingHttpHeaders): void {
  dropEndlessTimeouts(headers);
  dropContentTypeParameters(headers);
}

/**
 * Takes parameters off a content type of gRPC or gRPC-Web, such as `application/grpc; charset=utf-8`: they say nothing
 * about a message in protobuf, and proxies add them. Connect refuses them.
 */
function dropContentTypeParameters(headers: IncomingHttpHeaders): void {
  const contentType = headers['content-type'];
  if (contentType?.startsWith('application/grpc') === true) {
    const end = contentType.indexOf(';');
    if (end >= 0) {
      headers['content-type'] = contentType.slice(0, end).trimEnd();
    }
  }
}
