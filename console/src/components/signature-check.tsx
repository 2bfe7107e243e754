import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { defineTexts } from '../core/language.ts';
import { checkSignature, type SignatureVerdict, signedContent } from '../core/signature.ts';
import { Badge, Code, TextField } from './basics.tsx';

const texts = defineTexts({
  cannot: [
    'This browser computes signatures only for pages of this machine or over https.',
    '이 브라우저는 이 컴퓨터의 페이지나 https 페이지에서만 서명을 계산합니다.',
  ],
  content: ['What is signed', '서명 대상'],
  differs: ['The signature does not match', '서명이 맞지 않습니다'],
  expected: ['Expected', '기대한 서명'],
  given: ['Signature', '서명'],
  matches: ['The signature matches', '서명이 맞습니다'],
  missing: ['There is no header {header}', '{header} 헤더가 없습니다'],
  secret: ['Secret', '비밀 키'],
  secretHint: [
    'That of WEBHOOK_SECRET; it stays in this page.',
    'WEBHOOK_SECRET의 값. 이 페이지 밖으로 나가지 않습니다.',
  ],
  stale: ['It matches, and is too old or too new: {age} s', '맞지만 시각이 벗어났습니다: {age}초'],
});

/** Kept while the page is open, and nowhere else. The service's default in development. */
const secret = signal('payment-sim-dev-secret');

/** Computes the signature of a webhook before the reader's eyes. */
export function SignatureCheck({
  headers,
  body,
  at,
}: {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** When it was sent or came; without it its age is not looked at. */
  readonly at?: Timestamp | undefined;
}) {
  const [verdict, setVerdict] = useState<SignatureVerdict | undefined>(undefined);
  const given = secret.value;
  useEffect(() => {
    let isCurrent = true;
    const now = at === undefined ? Number(headers['webhook-timestamp']) : Number(at.seconds);
    void checkSignature(headers, body, given, now).then((found) => isCurrent && setVerdict(found));
    return () => void (isCurrent = false);
  }, [given, headers, body, at]);
  return (
    <div>
      <div class="filter">
        <TextField
          label={texts('secret')}
          value={given}
          onInput={(value) => (secret.value = value)}
          hint={texts('secretHint')}
        />
      </div>
      <p aria-live="polite">{verdict !== undefined && <Verdict verdict={verdict} />}</p>
      <Code label={texts('content')} text={signedContent(headers, body)} />
      <Code label={texts('given')} text={headers['webhook-signature'] ?? ''} />
      {verdict?.kind === 'differs' && <Code label={texts('expected')} text={verdict.expected} />}
    </div>
  );
}

function Verdict({ verdict }: { readonly verdict: SignatureVerdict }) {
  switch (verdict.kind) {
    case 'matches':
      return verdict.isStale ? (
        <Badge tone="bad">{texts('stale', { age: verdict.ageSeconds })}</Badge>
      ) : (
        <Badge tone="good">{texts('matches')}</Badge>
      );
    case 'differs':
      return <Badge tone="bad">{texts('differs')}</Badge>;
    case 'missing':
      return <Badge tone="bad">{texts('missing', { header: verdict.header })}</Badge>;
    case 'cannot':
      return <span>{texts('cannot')}</span>;
  }
}
