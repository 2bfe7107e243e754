import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { loadSync } from '@grpc/proto-loader';
import { onTestFinished } from 'vitest';

/** A span as a collector gets it. */
export interface ReceivedSpan {
  readonly name: string;
  readonly kind: 'INTERNAL' | 'SERVER' | 'CLIENT' | 'PRODUCER' | 'CONSUMER';
  /** In hexadecimal. */
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root of a trace. */
  readonly parentId: string;
  readonly tracestate: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The message of its status; undefined unless that is an error. */
  readonly error: string | undefined;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
  /** What the whole process says of itself. */
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A server that stands where a collector would, and takes OTLP over HTTP in protobuf. */
export interface OtlpReceiver {
  /** The base address. */
  readonly url: string;
  /** The variables that make the service send its spans here at once. */
  readonly env: Readonly<Record<string, string>>;
  readonly spans: readonly ReceivedSpan[];
  /** Of every request. */
  readonly requests: readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  /** Resolves with the first `count` spans that `isMeant`, as soon as so many are in. */
  waitFor(isMeant: (span: ReceivedSpan) => boolean, count?: number): Promise<readonly ReceivedSpan[]>;
}

interface Named {
  readonly key: string;
  readonly value: { readonly value: string } & Readonly<Record<string, unknown>>;
}

interface SentSpan {
  readonly name: string;
  readonly kind: ReceivedSpan['kind'];
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly parentSpanId: Buffer;
  readonly traceState: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Named[];
  readonly status: { readonly code: string; readonly message: string } | null;
}

interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Named[] };
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}

/** A decoder that shares nothing with the exporter: another library, by a schema of our own. */
function createDecoder(): (body: Buffer) => ExportRequest {
  const path = fileURLToPath(new URL('../fixtures/otlp/trace_service.proto', import.meta.url));
  const loaded = loadSync(path, { longs: String, enums: String, defaults: true, oneofs: true });
  const service = loaded['otlp.TraceService'] as unknown as {
    readonly Export: { requestDeserialize(body: Buffer): object };
  };
  return (body) => service.Export.requestDeserialize(body) as ExportRequest;
}

/** Starts a receiver that answers 200, or whatever `answer` does; it stops when the test is finished. */
export async function startOtlpReceiver(
  answer: (response: ServerResponse) => void = (response) => response.end(),
): Promise<OtlpReceiver> {
  const decode = createDecoder();
  const spans: ReceivedSpan[] = [];
  const requests: { path: string; headers: IncomingHttpHeaders }[] = [];
  const waiters = new Set<() => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ path: request.url ?? '', headers: request.headers });
      spans.push(...spansOf(decode(Buffer.concat(chunks))));
      response.setHeader('content-type', 'application/x-protobuf');
      answer(response);
      waiters.forEach((check) => check());
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_SCHEDULE_DELAY: '0' },
    spans,
    requests,
    waitFor: (isMeant, count = 1) =>
      new Promise((resolve) => {
        function check(): void {
          const meant = spans.filter(isMeant);
          if (meant.length >= count) {
            waiters.delete(check);
            resolve(meant.slice(0, count));
          }
        }
        waiters.add(check);
        check();
      }),
  };
}

function spansOf({ resourceSpans }: ExportRequest): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => toReceived(span, valuesOf(resource.attributes)))),
  );
}

function toReceived(span: SentSpan, resource: Readonly<Record<string, unknown>>): ReceivedSpan {
  return {
    name: span.name,
    kind: span.kind,
    traceId: span.traceId.toString('hex'),
    spanId: span.spanId.toString('hex'),
    parentId: span.parentSpanId.toString('hex'),
    tracestate: span.traceState,
    attributes: valuesOf(span.attributes),
    error: span.status?.code === 'ERROR' ? span.status.message : undefined,
    startMs: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
    endMs: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
    resource,
  };
}

/** Attributes by their names; whole numbers are texts in protobuf's JSON and numbers here. */
function valuesOf(attributes: readonly Named[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const given = value[value.value];
      return [key, value.value === 'intValue' ? Number(given) : given];
    }),
  );
}
