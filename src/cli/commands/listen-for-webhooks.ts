import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { callableHost } from '../../base/callable-host.ts';
import { describeError, errorMessage } from '../../base/error-text.ts';
import { formatTold } from '../../base/told-line.ts';
import { sessionHeader, signatureHeaders } from '../../webhook-format/signature.ts';
import { verifyWebhook } from '../../webhook-format/verify.ts';
import { UsageError } from '../common/cli-error.ts';
import { paint, printLines, printPainted } from '../common/output.ts';

/** Where to listen, and what to do with what comes. */
export interface ListenOptions {
  readonly port: number;
  readonly host: string;
  readonly secret?: readonly string[];
  readonly forwardTo?: string;
  readonly answer: number;
  readonly json?: true;
}

/* What `payment-sim listen` does. */

/** The service's own, in development. */
const developmentSecret = 'payment-sim-dev-secret';
/** Larger ones are refused, in bytes; those of the service are below one kilobyte. */
const maxBodyBytes = 1_048_576;
/** For the answer of whoever they are handed on to, in milliseconds; the service waits as long. */
const forwardTimeoutMs = 30_000;
/** Of the connection, not of the webhook. */
const hopHeaders = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'host',
  'expect',
]);

/** What came, and what it was answered. */
interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Why it does not verify; undefined: it does. */
  readonly problem: string | undefined;
  readonly status: number;
  /** Why it was not handed on. */
  readonly error?: string;
}

/** Listens until Ctrl-C. */
export async function listenForWebhooks(options: ListenOptions): Promise<void> {
  const { port, host, json } = options;
  const target = options.forwardTo === undefined ? undefined : readTarget(options.forwardTo);
  const server = createServer((request, response) => {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    void receive(request, response, options, target);
  });
  server.listen(port, host);
  await once(server, 'listening');
  const bound = server.address();
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
  const address = `http://${callableHost(host)}:${boundPort}/`;
  if (json === true) {
    printLines(JSON.stringify({ listens_at: address }));
  } else {
    const handsOn = target === undefined ? '' : `, and hands webhooks on to ${target.href}`;
    printLines(`Listens at ${address}${handsOn}. Give it to a payment as its webhook_url. Ctrl-C ends it.`);
  }
}

function readTarget(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(
      `--forward-to must be such as http://localhost:3000/webhooks, not ${JSON.stringify(text)}`,
    );
  }
  return url;
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  options: ListenOptions,
  target: URL | undefined,
): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) {
    response.writeHead(413, { connection: 'close' }).end();
    return;
  }
  const { headers, url: path = '/' } = request;
  const problem = findProblem(headers, body, options.secret ?? []);
  const { status, text, error } =
    target === undefined ? { status: options.answer, text: '' } : await forward(target, headers, body);
  response.writeHead(status).end(text);
  print(
    { path, headers, body, problem, status, ...(error !== undefined && { error }) },
    options.json === true,
  );
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.byteLength;
      if (length > maxBodyBytes) {
        return undefined;
      }
      chunks.push(chunk);
    }
  } catch {
    // Broken off: what came is told.
  }
  return Buffer.concat(chunks);
}

function findProblem(
  headers: IncomingHttpHeaders,
  body: Buffer,
  given: readonly string[],
): string | undefined {
  const secret = given.length > 0 ? given : process.env['WEBHOOK_SECRET']?.trim() || developmentSecret;
  try {
    verifyWebhook({ body, headers, secret });
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

/** Hands a webhook on as it came, and gives back what it was answered; 502 when there was no answer. */
async function forward(
  target: URL,
  headers: IncomingHttpHeaders,
  body: Buffer,
): Promise<{ status: number; text: string; error?: string }> {
  const sent = Object.entries(headers).flatMap(([name, value]) =>
    hopHeaders.has(name) || value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  try {
    const answer = await fetch(target, {
      method: 'POST',
      headers: sent,
      body: new Uint8Array(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(forwardTimeoutMs),
    });
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return { status: 502, text: '', error: describeError(cause) };
  }
}

function print(received: Received, isJson: boolean): void {
  const { path, headers, body, problem, status, error } = received;
  const text = body.toString('utf8');
  if (isJson) {
    const named = [...Object.values(signatureHeaders), sessionHeader].filter(
      (name) => headers[name] !== undefined,
    );
    printLines(
      JSON.stringify({
        path,
        verified: problem === undefined,
        ...(problem !== undefined && { problem }),
        status_code: status,
        ...(error !== undefined && { error }),
        headers: Object.fromEntries(named.map((name) => [name, headers[name]])),
        body: text,
      }),
    );
    return;
  }
  const { payment_id: id, status: paymentStatus } = readFields(text);
  printPainted(
    formatTold(paint, {
      atMs: Date.now(),
      subject: id ?? path,
      what: problem === undefined ? 'genuine' : 'NOT GENUINE',
      look: problem === undefined ? 'green' : 'red',
      details: [problem, paymentStatus?.replace('PAYMENT_STATUS_', ''), `answered ${status}`, error],
    }),
  );
  printPainted(`  ${paint('dim', text)}`);
}

function readFields(text: string): { readonly payment_id?: string; readonly status?: string } {
  try {
    const { payment_id, status }: Readonly<Record<string, unknown>> = JSON.parse(text);
    return {
      ...(typeof payment_id === 'string' && { payment_id }),
      ...(typeof status === 'string' && { status }),
    };
  } catch {
    return {};
  }
}
