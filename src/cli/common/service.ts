import { Code, type Client, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import type { Command } from 'commander';
import { CodeSchema } from '../../../gen/google/rpc/code_pb.js';
import { PaymentService } from '../../../gen/payment/v1/payment_pb.js';
import { SimulatorService } from '../../../gen/simulator/v1/simulator_pb.js';
import { callableHost } from '../../base/callable-host.ts';
import { EnvironmentReader } from '../../base/env/config-reader.ts';
import { observerHeader } from '../../contracts/steering/session-key.ts';
import { allSessions, isSessionKey, wantedHeaderText } from '../../simulator/session.ts';
import { sessionHeader } from '../../webhook-format/signature.ts';
import { CliError, NoAnswerError, unwrapError, UsageError } from './cli-error.ts';

/* How commands reach the service. */

/** The options of commands that call the service. */
export interface ServiceOptions {
  readonly url?: string;
  readonly session?: string;
  readonly json?: true;
}

/** The service, as commands call it. */
export interface Service {
  readonly url: string;
  readonly payments: Client<typeof PaymentService>;
  readonly simulator: Client<typeof SimulatorService>;
}

/** For an answer, in milliseconds; streams have none. */
const timeoutMs = 60_000;

/** Adds the options of commands that call the service. */
export function withServiceOptions(command: Command): Command {
  return command
    .option('--url <url>', 'where the service is; by HOST and GRPC_PORT unless given: http://localhost:8030')
    .option('--session <name>', 'the session that the call is in; * for all of them, where that can be')
    .option('--json', 'prints JSON, one object a line, as the service answers it');
}

/**
 * Connects to the service.
 *
 * @param observes whether the command only looks: it is not steered then, and not in the journal.
 */
export function connectService({ url, session }: ServiceOptions, observes: boolean): Service {
  const baseUrl = url === undefined ? usualUrl() : checkUrl(url);
  if (session !== undefined && session !== allSessions && !isSessionKey(session)) {
    throw new UsageError(`--session must be ${wantedHeaderText}, not ${JSON.stringify(session)}`);
  }
  const headers = {
    ...(session !== undefined && { [sessionHeader]: session }),
    ...(observes && { [observerHeader]: 'payment-sim' }),
  };
  const transport = createConnectTransport({
    baseUrl,
    httpVersion: '1.1',
    defaultTimeoutMs: timeoutMs,
    interceptors: [calling(baseUrl, headers)],
  });
  return {
    url: baseUrl,
    payments: createClient(PaymentService, transport),
    simulator: createClient(SimulatorService, transport),
  };
}

function usualUrl(): string {
  const read = new EnvironmentReader(process.env);
  const port = read.integer('GRPC_PORT', 8030, 0, 65_535);
  const host = callableHost(read.text('HOST', '0.0.0.0'));
  return `http://${host === '127.0.0.1' ? 'localhost' : host}:${port}`;
}

function checkUrl(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new UsageError(`--url must be such as http://localhost:8030, not ${JSON.stringify(url)}`);
  }
  return url.replace(/\/$/, '');
}

/** Sends the headers with every call, and says in words why one has failed. */
function calling(url: string, headers: Readonly<Record<string, string>>): Interceptor {
  return (next) => async (request) => {
    for (const [name, value] of Object.entries(headers)) {
      request.header.set(name, value);
    }
    try {
      return await next(request);
    } catch (error) {
      throw explain(url, error);
    }
  };
}

/** An error of a call in the words of a command. */
export function explain(url: string, error: unknown): CliError {
  const known = unwrapError(error);
  if (known instanceof CliError) {
    return known;
  }
  const failure = ConnectError.from(error);
  const { code, rawMessage, cause } = failure;
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  if (reason !== undefined && isConnectionError.test(reason)) {
    return new NoAnswerError(
      `no answer from ${url} (${reason}): does payment-sim run there? --url names another`,
    );
  }
  if (code === Code.Unimplemented || /^HTTP (404|501)$/.test(rawMessage)) {
    return new CliError(`${url} does not let testers steer: it needs SIMULATOR_API=on (${rawMessage})`);
  }
  return new CliError(`${CodeSchema.value[code]?.name ?? code}: ${rawMessage}`, { cause: error });
}

const isConnectionError = /^(E[A-Z]+|UND_ERR_.*|HPE_.*)$/;
