import type { AwsConfig } from '../../aws/aws-config.ts';
import { awsClientOptions } from '../../aws/client-options.ts';
import type { CredentialSource } from '../../aws/credential-source.ts';
import type { PutEvents } from './entry.ts';

/** What the service asks of EventBridge. */
export interface EventBridgeApi {
  readonly putEvents: PutEvents;
  /** @throws when no credentials can be had. */
  checkCredentials(): Promise<void>;
  /** @throws whatever the SDK throws, `ResourceNotFoundException` when the bus does not exist. */
  describeBus(busName: string): Promise<void>;
  /** Breaks off calls under way and closes connections. */
  close(): void;
}

/** Loads the SDK, which takes a moment and some 10 MB, and makes the one client. */
export async function loadEventBridge(options: {
  readonly aws: AwsConfig;
  readonly credentials: CredentialSource | undefined;
  /** For one call, in milliseconds. */
  readonly timeoutMs: number;
  readonly maxInFlight: number;
}): Promise<EventBridgeApi> {
  const { DescribeEventBusCommand, EventBridgeClient, PutEventsCommand } =
    await import('@aws-sdk/client-eventbridge');
  const { aws, credentials, timeoutMs, maxInFlight } = options;
  const client = new EventBridgeClient(
    // One socket more, so that DescribeEventBus need not wait behind a full house.
    awsClientOptions(aws, credentials, aws.eventBridgeUrl, { timeoutMs, maxSockets: maxInFlight + 1 }),
  );
  return {
    async putEvents(entries) {
      const { Entries = [] } = await client.send(new PutEventsCommand({ Entries: [...entries] }));
      return Entries;
    },
    async checkCredentials() {
      await client.config.credentials();
    },
    async describeBus(busName) {
      await client.send(new DescribeEventBusCommand({ Name: busName }));
    },
    close: () => client.destroy(),
  };
}
