import { CopyButton } from '../../components/basics.tsx';
import { hrefTo } from '../../core/router.ts';
import { texts } from './inbox-texts.ts';

/** Where to send webhooks, small above the list. */
export function InboxAddress({ address }: { readonly address: string }) {
  return (
    <div class="row inbox-address">
      <span class="soft">{texts('address')}</span>
      <code>{address}</code>
      <CopyButton text={address} />
    </div>
  );
}

/** What the inbox is for, as long as nothing is in it. */
export function HowToUse({ address }: { readonly address: string }) {
  const retried = `${address}?answer=503`;
  return (
    <section class="card inbox-how">
      <h2>{texts('empty')}</h2>
      <ol>
        <li>
          {texts('howGive')}
          <Address address={address} />
          {texts('answerAsUsual')}
          <div>
            <a class="button primary" href={hrefTo(['new'], { webhook_url: address })}>
              {texts('make')}
            </a>
          </div>
        </li>
        <li>
          {texts('answerOther')}
          <Address address={retried} />
          <div>
            <a class="button" href={hrefTo(['new'], { webhook_url: retried })}>
              {texts('makeRetried')}
            </a>
          </div>
        </li>
      </ol>
    </section>
  );
}

function Address({ address }: { readonly address: string }) {
  return (
    <div class="row">
      <code>{address}</code> <CopyButton text={address} />
    </div>
  );
}
