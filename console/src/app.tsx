import { useState } from 'preact/hooks';
import type { ComponentType } from 'preact';
import { Dialog } from './components/dialog.tsx';
import { SessionPicker } from './components/session-picker.tsx';
import { canSteer } from './core/api.ts';
import { focusFilter, moveToRow, useKeys } from './core/keys.ts';
import { chooseLanguage, defineTexts, language } from './core/language.ts';
import { goTo, hrefTo, route } from './core/router.ts';
import { common } from './core/texts.ts';
import { chooseTheme, theme } from './core/theme.ts';
import { connection } from './core/watch.ts';
import { PageHead, SelectField } from './components/basics.tsx';
import { DeliveriesPage } from './pages/deliveries/deliveries-page.tsx';
import { InboxPage } from './pages/inbox/inbox-page.tsx';
import { NewPaymentPage } from './pages/new-payment/new-payment-page.tsx';
import { OverviewPage } from './pages/overview/overview-page.tsx';
import { PaymentPage } from './pages/payment/payment-page.tsx';
import { PaymentsPage } from './pages/payments/payments-page.tsx';
import { RulesPage } from './pages/rules/rules-page.tsx';
import { SessionsPage } from './pages/sessions/sessions-page.tsx';

const texts = defineTexts({
  anew: [
    'The service was started anew and has forgotten what was before, unless its state is in Redis.',
    '서비스가 새로 시작되었습니다. 상태가 Redis에 있지 않으면 이전 내용은 남아 있지 않습니다.',
  ],
  deliveries: ['Deliveries', '전송'],
  goToContent: ['Skip to content', '본문으로 건너뛰기'],
  inbox: ['Inbox', '수신함'],
  keyDown: ['next row', '다음 행'],
  keyEnter: ['open it', '열기'],
  keyFilter: ['to the filter', '필터로 이동'],
  keyHelp: ['these keys', '단축키 보기'],
  keyNew: ['new payment', '새 결제'],
  keyRepeat: [
    'send the webhooks of the payment again; elsewhere: ask again',
    '결제의 웹훅 다시 보내기, 그 밖의 화면에서는 새로 고침',
  ],
  keyUp: ['previous row', '이전 행'],
  keys: ['Keys', '단축키'],
  language: ['Language', '언어'],
  lost: [
    'The service does not answer. What is shown is what was last known; it is tried again every second.',
    '서비스가 응답하지 않습니다. 마지막으로 알려진 내용을 보여 주며, 매초 다시 시도합니다.',
  ],
  navigation: ['Pages', '페이지'],
  newPayment: ['New payment', '새 결제'],
  noPage: ['There is no such page.', '그런 페이지가 없습니다.'],
  overview: ['Overview', '개요'],
  payments: ['Payments', '결제'],
  rules: ['Rules', '규칙'],
  sessions: ['Sessions', '세션'],
  theme: ['Colours', '색상'],
  themeAuto: ['as the system', '시스템 설정'],
  themeDark: ['dark', '어둡게'],
  themeLight: ['light', '밝게'],
});

/** The pages, in the order of the navigation. `steer` are those of SIMULATOR_API. */
const pages = [
  { name: 'payments', page: PaymentsPage, title: 'payments', steer: false },
  { name: 'new', page: NewPaymentPage, title: 'newPayment', steer: true },
  { name: 'deliveries', page: DeliveriesPage, title: 'deliveries', steer: true },
  { name: 'inbox', page: InboxPage, title: 'inbox', steer: true },
  { name: 'rules', page: RulesPage, title: 'rules', steer: true },
  { name: 'sessions', page: SessionsPage, title: 'sessions', steer: true },
  { name: 'overview', page: OverviewPage, title: 'overview', steer: false },
] as const;

/** The frame around all pages. */
export function App() {
  const [isHelping, setHelping] = useState(false);
  const [name = 'payments', id] = route.value.path;
  useKeys({
    '/': focusFilter,
    j: () => moveToRow(1),
    k: () => moveToRow(-1),
    n: () => goTo(hrefTo(['new'])),
    '?': () => setHelping(true),
  });
  const shown = pages.filter(({ steer }) => !steer || canSteer.value !== false);
  const Page: ComponentType | undefined = shown.find((page) => page.name === name)?.page;
  return (
    <div class="frame">
      <a class="skip-link" href="#content" onClick={skipToContent}>
        {texts('goToContent')}
      </a>
      <header class="side">
        <a class="brand" href={hrefTo(['payments'])}>
          Payment Sim
        </a>
        <nav aria-label={texts('navigation')}>
          <ul>
            {shown.map((page) => (
              <li key={page.name}>
                <a href={hrefTo([page.name])} aria-current={page.name === name ? 'page' : undefined}>
                  {texts(page.title)}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <Settings onHelp={() => setHelping(true)} />
      </header>
      <main id="content" tabIndex={-1}>
        <Notices />
        {Page === undefined ? (
          <PageHead title={texts('noPage')} />
        ) : name === 'payments' && id !== undefined ? (
          <PaymentPage key={id} id={id} />
        ) : (
          <Page key={name} />
        )}
      </main>
      {isHelping && <KeysHelp onClose={() => setHelping(false)} />}
    </div>
  );
}

/** The # is taken for addresses of pages, so the link moves the focus itself. */
function skipToContent(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('#content')?.focus();
}

function Notices() {
  return (
    <div aria-live="polite">
      {connection.value === 'lost' && <p class="box bad">{texts('lost')}</p>}
      {connection.value === 'anew' && <p class="box wait">{texts('anew')}</p>}
      {canSteer.value === false && <p class="box info">{common('readOnly')}</p>}
    </div>
  );
}

function Settings({ onHelp }: { readonly onHelp: () => void }) {
  return (
    <div class="settings">
      <SessionPicker />
      <SelectField
        label={texts('language')}
        value={language.value}
        options={[
          ['en', 'English'],
          ['ko', '한국어'],
        ]}
        onChange={(value) => chooseLanguage(value === 'ko' ? 'ko' : 'en')}
      />
      <SelectField
        label={texts('theme')}
        value={theme.value}
        options={[
          ['auto', texts('themeAuto')],
          ['light', texts('themeLight')],
          ['dark', texts('themeDark')],
        ]}
        onChange={chooseTheme}
      />
      <button type="button" class="button quiet" onClick={onHelp}>
        {texts('keys')} <kbd>?</kbd>
      </button>
    </div>
  );
}

function KeysHelp({ onClose }: { readonly onClose: () => void }) {
  const keys = [
    ['/', texts('keyFilter')],
    ['j', texts('keyDown')],
    ['k', texts('keyUp')],
    ['Enter', texts('keyEnter')],
    ['n', texts('keyNew')],
    ['r', texts('keyRepeat')],
    ['?', texts('keyHelp')],
  ] as const;
  return (
    <Dialog title={texts('keys')} onClose={onClose}>
      <dl class="facts">
        {keys.map(([key, text]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
