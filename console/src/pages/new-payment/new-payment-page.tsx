import { fromJson } from '@bufbuild/protobuf';
import { Code as RpcCode, type ConnectError } from '@connectrpc/connect';
import { useState } from 'preact/hooks';
import { CreatePaymentIntentRequestSchema } from '../../../../gen/payment/v1/payment_pb.js';
import { Button, Code, ErrorBox, PageHead, SelectField, TextField } from '../../components/basics.tsx';
import { FieldsForm, OptionsForm } from '../../components/fields-form.tsx';
import { inSession, ownSession, payments, simulator } from '../../core/api.ts';
import { asCurl } from '../../core/copy-as.ts';
import { defineTexts } from '../../core/language.ts';
import { useAction, useLoaded } from '../../core/loading.ts';
import { readMessage } from '../../core/read-message.ts';
import { optionGroups } from '../../core/option-fields.ts';
import { goTo, hrefTo, route } from '../../core/router.ts';
import { common } from '../../core/texts.ts';
import {
  firstValues,
  moreFields,
  orderFields,
  type Receiver,
  receiverField,
  requestOf,
  valuesOfQuery,
} from './request-fields.ts';

const texts = defineTexts({
  asAsked: ['The call failed, as was asked for.', '요청한 대로 호출이 실패했습니다.'],
  curl: ['The same in your terminal', '터미널에서 같은 호출'],
  inbox: ["the console's inbox", '콘솔의 수신함'],
  make: ['Make payment', '결제 만들기'],
  more: ['More', '더 보기'],
  none: ['none, or WEBHOOK_URL', '없음 또는 WEBHOOK_URL'],
  order: ['What is paid', '결제 내용'],
  own: ['an address of mine', '내 주소'],
  receiver: ['Webhooks go to', '웹훅을 받을 곳'],
  sessionHint: [
    'Empty: the global one. Any name makes one.',
    '비워 두면 전역 세션. 이름을 적으면 만들어집니다.',
  ],
  title: ['New payment', '새 결제'],
});

/** A payment with every option that there is. */
export function NewPaymentPage() {
  const { query } = route.value;
  const [values, setValues] = useState(() => ({ ...firstValues(), ...valuesOfQuery(query) }));
  const [receiver, setReceiver] = useState<Receiver>(query.has('webhook_url') ? 'own' : 'inbox');
  const [session, setSession] = useState(ownSession);
  const { value: inbox } = useLoaded(() => simulator.listReceived({ pageSize: 1 }), []);
  const action = useAction();
  const request = requestOf(values, receiver, inbox?.address ?? '');
  const form = {
    values,
    error: action.error,
    onChange: (path: string, value: string) => setValues((before) => ({ ...before, [path]: value })),
  };
  const make = () =>
    action.run(async () => {
      const message = readMessage(request, (read) => fromJson(CreatePaymentIntentRequestSchema, read));
      const { paymentIntentId } = await payments.createPaymentIntent(message, inSession(session));
      goTo(hrefTo(['payments', paymentIntentId], { session: session === '' ? undefined : session }));
    });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        make();
      }}
    >
      <PageHead title={texts('title')}>
        <Button kind="primary" type="submit" disabled={action.isBusy || inbox === undefined}>
          {texts('make')}
        </Button>
      </PageHead>
      {isAsAsked(action.error, values) && <p class="box info">{texts('asAsked')}</p>}
      <ErrorBox error={action.error} />
      <fieldset>
        <legend>{texts('order')}</legend>
        <FieldsForm fields={orderFields} {...form} />
      </fieldset>
      <fieldset>
        <legend>{texts('receiver')}</legend>
        <Destination receiver={receiver} onReceiver={setReceiver} session={session} onSession={setSession} />
        {receiver === 'own' && <FieldsForm fields={[receiverField]} {...form} />}
      </fieldset>
      <OptionsForm groups={optionGroups('simulation')} {...form} />
      <details class="card">
        <summary>{texts('more')}</summary>
        <FieldsForm fields={moreFields} {...form} />
      </details>
      <section class="card">
        <h2>{texts('curl')}</h2>
        <Code label={texts('curl')} text={curlOf(request, session)} />
      </section>
    </form>
  );
}

function Destination({
  receiver,
  onReceiver,
  session,
  onSession,
}: {
  readonly receiver: Receiver;
  readonly onReceiver: (receiver: Receiver) => void;
  readonly session: string;
  readonly onSession: (session: string) => void;
}) {
  return (
    <div class="form">
      <SelectField
        label={texts('receiver')}
        value={receiver}
        options={(['inbox', 'own', 'none'] as const).map((name) => [name, texts(name)])}
        onChange={(value) => onReceiver(value === 'own' || value === 'none' ? value : 'inbox')}
      />
      <TextField label={common('session')} value={session} onInput={onSession} hint={texts('sessionHint')} />
    </div>
  );
}

/** Whether the call fails because the form says so. */
function isAsAsked(error: ConnectError | undefined, values: Readonly<Record<string, string>>): boolean {
  const code = values['simulation.api.code'] ?? '';
  const isCut = values['simulation.api.drop_connection'] === 'true';
  return (
    error !== undefined &&
    (isCut || (code !== '' && RpcCode[error.code].toUpperCase() === code.replaceAll('_', '')))
  );
}

function curlOf(request: ReturnType<typeof requestOf>, session: string): string {
  return asCurl(location.origin, {
    service: 'payment.v1.PaymentService',
    method: 'CreatePaymentIntent',
    json: JSON.stringify(request),
    session,
  });
}
