import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { createEventBridgeServer } from '../../dev/eventbridge-server.ts';
import { parseDetail } from '../../dev/put-events.ts';

/** One event that EventBridge was given. */
export interface RecordedEvent {
  readonly detailType: string | undefined;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** An EventBridge that keeps what it is given. */
export interface EventRecorder {
  /** Leads a service's events here. */
  readonly env: Readonly<Record<string, string>>;
  readonly events: readonly RecordedEvent[];
}

const busName = 'ticket-reservation-events';

/** Starts one on loopback; it stops when the test is finished. */
export async function startEventRecorder(): Promise<EventRecorder> {
  const events: RecordedEvent[] = [];
  const server = createEventBridgeServer({
    region: 'ap-northeast-2',
    buses: [{ name: busName, rules: [] }],
    queueUrls: new Map(),
    targets: { deliver: () => undefined, settled: () => Promise.resolve() },
    logger: pino({ level: 'silent' }),
    onPutEvents: (entries) =>
      entries.map(({ DetailType: detailType, Detail: detail }) => {
        events.push({ detailType, detail: parseDetail(detail ?? '') ?? {} });
        return undefined;
      }),
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.close());
  return {
    events,
    env: {
      EVENTBRIDGE: 'on',
      EVENT_BUS_NAME: busName,
      AWS_ENDPOINT_URL_EVENTBRIDGE: url,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    },
  };
}
