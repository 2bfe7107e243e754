#!/usr/bin/env node
import '../base/end-on-old-node.ts';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { queueUrl, readAwsConfig } from '../aws/aws-config.ts';
import { awsClientOptions } from '../aws/client-options.ts';
import { findCredentialSource } from '../aws/credential-source.ts';
import { envFileOption } from '../base/command-line.ts';
import { ConfigError } from '../base/env/config-error.ts';
import { EnvironmentReader } from '../base/env/config-reader.ts';
import { readEnvironment } from '../base/env/environment.ts';
import { readEventBridgeConfig } from '../delivery/eventbridge/config.ts';
import { checkAws } from './check-aws.ts';
import { printLines, runCommand } from './run-command.ts';

/*
 * `npm run aws:check [-- --env-file FILE]`: whether the bus, its rule and the queues exist and fit
 * together. Changes nothing. Exit code 1 when something is missing.
 */

/** Of each call to AWS. */
const limits = { timeoutMs: 10_000, maxSockets: 4 };

async function main(): Promise<boolean> {
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
  const sqs = new SQSClient({
    ...awsClientOptions(aws, credentialsFor(aws.sqsUrl), aws.sqsUrl, limits),
    useQueueUrlAsEndpoint: aws.sqsUrl === undefined,
  });
  // Missing credentials end the check here, or each call would fail for the same reason.
  await eventBridge.config.credentials();
  const findings = await checkAws(
    { eventBridge, sqs },
    { region: aws.region, busName, source, queueUrl: queue, deadLetterQueueUrl: deadLetterQueue },
  );
  for (const { isFine, text } of findings) {
    printLines(`${isFine ? 'ok      ' : 'missing '} ${text}`);
  }
  const isFine = findings.every((finding) => finding.isFine);
  printLines(isFine ? 'All is there.' : 'See docs/aws.md for how to make what is missing.');
  return isFine;
}

function describeFailure(error: unknown): string {
  return error instanceof Error && /Credentials|Token/.test(error.name)
    ? `no AWS credentials: ${error.message}`
    : String(error);
}

await runCommand(
  {
    name: 'npm run aws:check',
    summary: 'Says what AWS resources are missing; creates nothing.',
    options: envFileOption,
  },
  main,
  describeFailure,
);
