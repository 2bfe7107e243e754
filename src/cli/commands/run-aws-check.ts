import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { queueUrl, readAwsConfig } from '../../aws/aws-config.ts';
import { awsClientOptions, sqsClientOptions } from '../../aws/client-options.ts';
import { findCredentialSource } from '../../aws/credential-source.ts';
import { ConfigError } from '../../base/env/config-error.ts';
import { EnvironmentReader } from '../../base/env/config-reader.ts';
import { readEnvironment } from '../../base/env/environment.ts';
import { errorMessage } from '../../base/error-text.ts';
import { readEventBridgeConfig } from '../../delivery/eventbridge/config.ts';
import { checkAws, type Finding } from './check-aws.ts';
import { paint, printLines, printPainted } from '../common/output.ts';

/* What `payment-sim aws-check` does: whether the bus, its rule and the queues exist and fit together. */

/** Of each call to AWS. */
const limits = { timeoutMs: 10_000, maxSockets: 4 };

/** Prints what is there and what is missing; whether nothing is. */
export async function checkAwsHere({ json }: { readonly json?: true }): Promise<boolean> {
  const read = new EnvironmentReader(process.env);
  const aws = readAwsConfig(read);
  const { busName, source } = readEventBridgeConfig(read);
  const queue = queueUrl(read, 'PAYMENT_WEBHOOK_QUEUE_URL');
  const deadLetterQueue = queueUrl(read, 'PAYMENT_WEBHOOK_DLQ_URL');
  const environment = readEnvironment(read);
  if (read.mistakes.length > 0) {
    throw new ConfigError(read.mistakes);
  }
  const credentialsFor = (endpointUrl: string | undefined) =>
    findCredentialSource(aws, { development: environment === 'development', endpointUrl });
  const eventBridge = new EventBridgeClient(
    awsClientOptions(aws, credentialsFor(aws.eventBridgeUrl), aws.eventBridgeUrl, limits),
  );
  const sqs = new SQSClient(sqsClientOptions(aws, credentialsFor(aws.sqsUrl), queue, limits));
  // Missing credentials end the check here, or each call would fail for the same reason.
  await eventBridge.config.credentials().catch((error: unknown) => {
    throw new Error(`no AWS credentials: ${errorMessage(error)}`, { cause: error });
  });
  const findings = await checkAws(
    { eventBridge, sqs },
    { region: aws.region, busName, source, queueUrl: queue, deadLetterQueueUrl: deadLetterQueue },
  );
  const isFine = findings.every(({ state }) => state !== 'missing');
  if (json === true) {
    printLines(JSON.stringify({ all_is_there: isFine, findings: findings.map(toRow) }));
    return isFine;
  }
  for (const { state, text } of findings) {
    printPainted(`${paint(looks[state], state.padEnd(8))} ${paint(undefined, text)}`);
  }
  printLines(conclusionOf(findings.map(({ state }) => state)));
  return isFine;
}

function conclusionOf(states: readonly (keyof typeof looks)[]): string {
  if (states.includes('missing')) {
    return 'See docs/aws.md for how to make what is missing.';
  }
  return states.includes('unknown') ? 'All that could be told is there.' : 'All is there.';
}

const looks = { ok: 'green', missing: 'red', unknown: 'yellow' } as const;

function toRow({ state, text }: Finding) {
  return { state, text };
}
