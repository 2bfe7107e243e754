import type { ReceivedWebhook } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Badge, Time } from '../../components/basics.tsx';
import { PaymentBadge } from '../../components/statuses.tsx';
import { hrefTo, route } from '../../core/router.ts';
import { texts } from './inbox-texts.ts';
import { toldBy } from './told.ts';

/** One row for each webhook, which opens it. */
export function InboxList({
  webhooks,
  open,
}: {
  readonly webhooks: readonly ReceivedWebhook[];
  /** The number of the one that is open. */
  readonly open: string;
}) {
  return (
    <ol class="inbox-list" aria-label={texts('list')} reversed>
      {webhooks.map((webhook) => {
        const number = webhook.number.toString();
        return <Row key={number} webhook={webhook} number={number} isOpen={number === open} />;
      })}
    </ol>
  );
}

function Row({
  webhook,
  number,
  isOpen,
}: {
  readonly webhook: ReceivedWebhook;
  readonly number: string;
  readonly isOpen: boolean;
}) {
  const { verified, problem, eventId, paymentIntentId: id, statusCode, receivedAt, body } = webhook;
  const { status, eventType } = toldBy(body);
  const kept = Object.fromEntries(route.value.query);
  return (
    <li class={isOpen ? 'open' : ''}>
      <div class="row">
        <a
          data-row
          href={hrefTo(['inbox'], { ...kept, webhook: number })}
          aria-current={isOpen ? 'true' : undefined}
        >
          #{number}
        </a>
        {verified ? (
          <Badge tone="good">{texts('verified')}</Badge>
        ) : (
          <Badge tone="bad">{texts('notVerified')}</Badge>
        )}
        {status !== undefined && <PaymentBadge status={status} />}
        <span class="soft">{eventType}</span>
        <span class="when soft">
          <Time at={receivedAt} />
        </span>
      </div>
      <div class="row soft">
        {id !== '' && (
          <a class="mono" title={id} href={hrefTo(['payments', id])}>
            {shortened(id)}
          </a>
        )}
        {eventId !== '' && (
          <span class="mono" title={eventId}>
            {shortened(eventId)}
          </span>
        )}
        <span>{texts('answered', { code: statusCode })}</span>
      </div>
      {!verified && <p class="problem">{problem}</p>}
    </li>
  );
}

/** Ids of the service are long, and told apart by their beginning; those of others may be anything. */
function shortened(id: string): string {
  return id.length > 16 ? `${id.slice(0, 12)}…` : id;
}
