import { type SecureContext, createSecureContext, getCACertificates } from 'node:tls';
import type { AwsConfig } from './aws-config.ts';
import type { CredentialSource } from './credential-source.ts';
import { profileCredentials } from './profile-credentials.ts';
import { regionOfQueue } from './queue-region.ts';
import { Sha256 } from './sha256.ts';

/** The limits of one client; times in milliseconds. */
interface ClientLimits {
  /** For one request, its answer included. */
  readonly timeoutMs: number;
  readonly maxSockets: number;
}

/**
 * For what the SDK would write of its calls; the service has a log of its own. It has no `info`: for one that
 * does nothing, which is the SDK's default, every call's input and output are copied without what is
 * sensitive: 90 of the 740 µs of a PutEvents with ten entries (2026-11-26, client alone).
 */
const silence = { debug() {}, info() {}, warn() {}, error() {} };
Reflect.deleteProperty(silence, 'info'); // the SDK's type demands it, its code does without

/**
 * Options for the client of one AWS service. The SDK's own retries are off (`maxAttempts` 1), because the
 * caller has a retry policy, and every request has a time limit, which the SDK does not set by itself.
 */
export function awsClientOptions(
  aws: AwsConfig,
  source: CredentialSource | undefined,
  endpointUrl: string | undefined,
  limits: ClientLimits,
) {
  const { caBundle } = aws;
  const agent = { keepAlive: true, maxSockets: limits.maxSockets, proxyEnv: { ...aws.proxies } };
  return {
    region: aws.region,
    ...(endpointUrl !== undefined && { endpoint: endpointUrl }),
    ...(source?.kind === 'keys' && { credentials: source.keys }),
    ...(source?.kind === 'profile' && { credentials: profileCredentials(source.profile) }),
    maxAttempts: 1,
    // Without it the SDK resolves its middleware stack again in every call: 20 of the 410 µs of a PutEvents.
    cacheMiddleware: true,
    logger: silence,
    sha256: Sha256,
    requestHandler: {
      connectionTimeout: Math.min(limits.timeoutMs, 3_000),
      requestTimeout: limits.timeoutMs,
      throwOnRequestTimeout: true,
      // For a body that stalls: `requestTimeout` ends when the headers of the answer are there.
      socketTimeout: limits.timeoutMs,
      httpAgent: agent,
      httpsAgent: caBundle === undefined ? agent : { ...agent, secureContext: trusting(caBundle) },
    },
  };
}

/** Options for an SQS client of the queue at `queueUrl`, which is called in the queue's own region. */
export function sqsClientOptions(
  aws: AwsConfig,
  source: CredentialSource | undefined,
  queueUrl: string | undefined,
  limits: ClientLimits,
) {
  const region = aws.sqsUrl === undefined ? regionOfQueue(queueUrl) : undefined;
  return {
    ...awsClientOptions(aws, source, aws.sqsUrl, limits),
    ...(region !== undefined && { region }),
    // With an endpoint of one's own, the host in the queue's URL may not be one that can be called.
    useQueueUrlAsEndpoint: aws.sqsUrl === undefined,
  };
}

/** One for all connections: with `ca` instead, an agent would compare all certificates in every call. */
function trusting(caBundle: string): SecureContext {
  return createSecureContext({ ca: [...getCACertificates('default'), caBundle] });
}
