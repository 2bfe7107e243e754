import { Webhook } from 'standardwebhooks';
import type { AppOverrides } from '../../src/app/basics.ts';
import { verifyWebhook } from '../../src/index.ts';
import { createConnectCaller, createPayment } from '../system/connect-json.ts';
import { type AwsStandIn, startAwsStandIn } from './aws-stand-in.ts';
import { type RunningService, startService } from './start-service.ts';
import { type ReceivedWebhook, startWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts';

const secret = 'payment-sim-dev-secret';

/** The service with a receiver of webhooks and an EventBridge. */
export interface Pipeline {
  readonly service: RunningService;
  readonly call: ReturnType<typeof createConnectCaller>;
  readonly receiver: WebhookReceiver;
  readonly aws: AwsStandIn;
  /** Creates a payment with this in `simulation`; its id. */
  readonly pay: (simulation: Record<string, unknown>) => Promise<string>;
}

/** The service with both channels; webhooks are answered as a receiver does that verifies them. */
export async function startPipeline(
  env: Readonly<Record<string, string>> = {},
  overrides: AppOverrides = {},
): Promise<Pipeline> {
  const receiver = await startWebhookReceiver((response, webhook) =>
    response.writeHead(isGenuine(webhook) ? 204 : 401).end(),
  );
  const aws = await startAwsStandIn();
  const service = await startService(
    {
      DEFAULT_DELAY_MS: '0',
      EVENTBRIDGE: 'on',
      AWS_ENDPOINT_URL_EVENTBRIDGE: aws.url,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      ...env,
    },
    overrides,
  );
  const call = createConnectCaller(service.apiUrl, 2);
  const pay = (simulation: Record<string, unknown>) =>
    createPayment(call, { webhook_url: receiver.url, simulation });
  return { service, call, receiver, aws, pay };
}

/** Whether our own library takes it. */
export function isGenuine({ rawBody, headers }: ReceivedWebhook): boolean {
  try {
    verifyWebhook({ body: rawBody, headers, secret });
    return true;
  } catch {
    return false;
  }
}

/** Whether that of Standard Webhooks does. */
export function isGenuineElsewhere({ rawBody, headers }: ReceivedWebhook): boolean {
  try {
    new Webhook(Buffer.from(secret).toString('base64')).verify(
      rawBody.toString(),
      headers as Record<string, string>,
    );
    return true;
  } catch {
    return false;
  }
}
