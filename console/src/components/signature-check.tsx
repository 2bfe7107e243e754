import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { defineTexts } from '../core/language.ts';
import {
  asOpenssl,
  checkSignature,
  type HeaderCheck,
  type SignatureResult,
  type SignatureVerdict,
  toleranceSeconds,
} from '../core/signature.ts';
import { Badge, Code, TextField, type Tone } from './basics.tsx';

const texts = defineTexts({
  badSecret: [
    'This secret signs nothing: it is empty, or has broken base64 after whsec_.',
    '이 시크릿으로는 서명할 수 없습니다. 비어 있거나 whsec_ 뒤의 base64가 올바르지 않습니다.',
  ],
  computed: ['Computed with this secret', '이 시크릿으로 계산한 값'],
  decides: ['decides', '판정 기준'],
  doesNotDecide: ['does not decide: the others are there', '다른 헤더가 있어 판정에 쓰이지 않음'],
  given: ['In the header', '헤더에 있는 값'],
  malformed: [
    '{header} is not in the form that it should have.',
    '{header} 헤더의 형식이 올바르지 않습니다.',
  ],
  match: [
    'The signature matches, and it was made in time: {age} s before, {tolerance} s are allowed.',
    '서명이 일치하고 시각도 맞습니다. {age}초 전에 서명되었으며 {tolerance}초까지 허용됩니다.',
  ],
  mismatch: [
    'No signature in {header} is the one that was computed: the secret is another one, or the body is not the one that was signed.',
    '{header}의 어떤 서명도 계산한 값과 다릅니다. 시크릿이 다르거나 본문이 서명 후에 바뀌었습니다.',
  ],
  missing: [
    'The header {header} is missing: nothing says who sent this.',
    '{header} 헤더가 없습니다. 누가 보냈는지 알 수 없습니다.',
  ],
  noCrypto: [
    'This browser checks nothing here: WebCrypto (crypto.subtle) is only for pages that came over HTTPS or from localhost. Open the console as http://localhost, through a tunnel for instance.',
    '이 브라우저에서는 확인할 수 없습니다. WebCrypto(crypto.subtle)는 HTTPS나 localhost로 연 페이지에서만 쓸 수 있습니다. 터널 등을 이용해 http://localhost로 콘솔을 열어 주십시오.',
  ],
  noTime: [
    'The body is signed, but has no timestamp, so it may be as old as it likes.',
    '본문은 서명되었지만 timestamp가 없어 얼마나 오래되었는지 알 수 없습니다.',
  ],
  secret: ['Secret', '시크릿'],
  secretHint: [
    'WEBHOOK_SECRET of the service; several are separated by commas. It stays in the memory of this page.',
    '서비스의 WEBHOOK_SECRET입니다. 여러 개는 쉼표로 나눕니다. 이 페이지의 메모리에만 남습니다.',
  ],
  signed: [
    'What is signed: webhook-id.webhook-timestamp.body',
    '서명 대상: webhook-id.webhook-timestamp.body',
  ],
  signedBody: ['What is signed: the body', '서명 대상: 본문'],
  terminal: ['The same in your terminal', '터미널에서 확인하기'],
  tooEarly: [
    'Signed with this secret, but from the future: {age} s ahead, {tolerance} s are allowed.',
    '이 시크릿으로 서명되었지만 {age}초 뒤의 시각입니다. {tolerance}초까지 허용됩니다.',
  ],
  tooOld: [
    'Signed with this secret, but too old: {age} s, {tolerance} s are allowed. It may be a replay.',
    '이 시크릿으로 서명되었지만 {age}초 전의 것으로 너무 오래되었습니다. {tolerance}초까지 허용됩니다. 재전송 공격일 수 있습니다.',
  ],
});

const verdicts = {
  match: ['match', 'good'],
  mismatch: ['mismatch', 'bad'],
  'too-old': ['tooOld', 'bad'],
  'too-early': ['tooEarly', 'bad'],
  'missing-header': ['missing', 'bad'],
  'malformed-header': ['malformed', 'bad'],
  'no-time': ['noTime', 'bad'],
  'bad-secret': ['badSecret', 'wait'],
  'no-crypto': ['noCrypto', 'wait'],
} as const satisfies Record<SignatureVerdict, readonly [string, Tone]>;

/** The one that the service has in development. Of all checks together, and never stored. */
const secret = signal('payment-sim-dev-secret');

/**
 * Checks a webhook before the reader's eyes.
 *
 * @param at when the receiver got it; now unless told.
 */
export function SignatureCheck({
  headers,
  body,
  at,
}: {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly at?: Timestamp | undefined;
}) {
  const result = useChecked(headers, body, at);
  return (
    <div class="signature">
      <TextField
        label={texts('secret')}
        value={secret.value}
        onInput={(value) => (secret.value = value)}
        hint={texts('secretHint')}
      />
      <div role="status">{result !== undefined && <Verdict result={result} />}</div>
      {result?.checks.map((check, index) => (
        <Checked key={check.header} check={check} isDecisive={index === 0} />
      ))}
    </div>
  );
}

function useChecked(
  headers: Readonly<Record<string, string>>,
  body: string,
  at: Timestamp | undefined,
): SignatureResult | undefined {
  const [result, setResult] = useState<SignatureResult | undefined>(undefined);
  const atMs = at === undefined ? undefined : timestampMs(at);
  useEffect(() => {
    let isWanted = true;
    const check = async () => {
      const found = await checkSignature({ headers, body }, secret.value, atMs ?? Date.now());
      if (isWanted) {
        setResult(found);
      }
    };
    void check();
    return () => {
      isWanted = false;
    };
    // What was asked for again has headers of its own, with the same in them.
  }, [JSON.stringify(headers), body, secret.value, atMs]);
  return result;
}

function Verdict({ result: { verdict, about, ageSeconds = 0 } }: { readonly result: SignatureResult }) {
  const [text, tone] = verdicts[verdict];
  return (
    <p class={`box ${tone}`}>
      {texts(text, { header: about, age: Math.abs(ageSeconds), tolerance: toleranceSeconds })}
    </p>
  );
}

function Checked({ check, isDecisive }: { readonly check: HeaderCheck; readonly isDecisive: boolean }) {
  const { header, signed, given, computed } = check;
  const signedText = texts(header === 'webhook-signature' ? 'signed' : 'signedBody');
  return (
    <details open={isDecisive}>
      <summary>
        <code>{header}</code> <FitBadge fits={check.fits} />{' '}
        <span class="soft">{texts(isDecisive ? 'decides' : 'doesNotDecide')}</span>
      </summary>
      <div class="soft">{signedText}</div>
      <Code label={signedText} text={signed} />
      <dl class="signatures">
        <dt>{texts('given')}</dt>
        {given.map((one, index) => (
          <dd key={`given ${index}`} class="mono">
            {one} {given.length > 1 && <FitBadge fits={computed.includes(one)} />}
          </dd>
        ))}
        <dt>{texts('computed')}</dt>
        {computed.map((one, index) => (
          <dd key={`computed ${index}`} class="mono">
            {one}
          </dd>
        ))}
      </dl>
      <details>
        <summary>{texts('terminal')}</summary>
        <Code label={texts('terminal')} text={asOpenssl(check, secret.value)} />
      </details>
    </details>
  );
}

function FitBadge({ fits }: { readonly fits: boolean }) {
  return <Badge tone={fits ? 'good' : 'bad'}>{fits ? 'match' : 'mismatch'}</Badge>;
}
