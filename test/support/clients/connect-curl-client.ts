import { curl, type CurlRequest, type CurlResponse, type HttpVersion } from './curl.ts';
import {
  canonicalCode,
  canonicalMessage,
  type ClientFactory,
  type JsonObject,
  mapField,
  type Method,
  type Outcome,
  reads,
  servicePath,
  type Violation,
} from './payment-client.ts';
import { decodeBadRequest, decodeResponse, encodeRequest } from './proto-codec.ts';

/** How the Connect protocol is spoken. */
export interface ConnectCurlOptions {
  readonly httpVersion: HttpVersion;
  readonly encoding: 'json' | 'proto';
  /** Names of the fields in JSON requests: `reservation_id` or `reservationId`. */
  readonly spelling: 'snake' | 'camel';
  /** Whether calls without side effects go by GET. */
  readonly get: boolean;
}

/** HTTP statuses by the table of the Connect protocol. */
const httpStatuses: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
};

/** The Connect protocol through the `curl` command. */
export function createConnectCurlClient(options: ConnectCurlOptions): ClientFactory {
  return (apiUrl) => ({
    async call(method, request) {
      const response = await curl(requestOf(`${apiUrl}${servicePath}/${method}`, method, request, options));
      return response.status === 200
        ? { ok: true, message: readMessage(method, response, options) }
        : readError(response);
    },
    close: () => undefined,
  });
}

function requestOf(
  url: string,
  method: Method,
  request: JsonObject,
  options: ConnectCurlOptions,
): CurlRequest {
  const { httpVersion, encoding } = options;
  const spelled = options.spelling === 'camel' ? toCamelCase(request) : request;
  const body = encoding === 'json' ? Buffer.from(JSON.stringify(spelled)) : encodeRequest(method, request);
  if (options.get && reads.includes(method)) {
    const query = new URLSearchParams({
      connect: 'v1',
      encoding,
      ...(encoding === 'json'
        ? { message: body.toString('utf8') }
        : { base64: '1', message: body.toString('base64url') }),
    });
    return { url: `${url}?${query.toString()}`, httpVersion };
  }
  return { url, httpVersion, headers: { 'content-type': `application/${encoding}` }, body };
}

function readMessage(method: Method, response: CurlResponse, options: ConnectCurlOptions): JsonObject {
  expectContentType(response, `application/${options.encoding}`);
  return options.encoding === 'json'
    ? canonicalMessage(JSON.parse(response.body.toString('utf8')) as JsonObject)
    : decodeResponse(method, response.body);
}

/** Reads an error of the Connect protocol, which is JSON whatever the call was. */
export function readError(response: CurlResponse): Outcome {
  expectContentType(response, 'application/json');
  const error = JSON.parse(response.body.toString('utf8')) as {
    code: string;
    message?: string;
    details?: { type: string; value: string; debug?: { field_violations?: Violation[] } }[];
  };
  const code = canonicalCode(error.code);
  if (httpStatuses[code] !== response.status) {
    throw new Error(`${code} came with HTTP status ${response.status}`);
  }
  const badRequests = (error.details ?? []).filter((detail) => detail.type === 'google.rpc.BadRequest');
  const violations = badRequests.flatMap((detail) => decodeBadRequest(Buffer.from(detail.value, 'base64')));
  const readable = badRequests.flatMap((detail) => detail.debug?.field_violations ?? []);
  if (JSON.stringify(readable) !== JSON.stringify(violations)) {
    throw new Error(`the detail says ${JSON.stringify(violations)}, its debug ${JSON.stringify(readable)}`);
  }
  return { ok: false, code, message: error.message ?? '', violations };
}

function expectContentType(response: CurlResponse, expected: string): void {
  const [contentType] = response.headers['content-type'] ?? [];
  if (contentType !== expected) {
    throw new Error(`content-type is ${contentType}, not ${expected}: ${response.body.toString('utf8')}`);
  }
}

function toCamelCase(message: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => [
      name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
      mapField(name, value, toCamelCase),
    ]),
  );
}
