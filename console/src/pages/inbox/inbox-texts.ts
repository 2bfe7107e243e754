import { defineTexts } from '../../core/language.ts';

/** What the parts of the inbox say. */
export const texts = defineTexts({
  address: ['Address of the inbox', '수신함 주소'],
  answerAsUsual: [
    'It answers 204, or 401 when the signature is not right.',
    '204로, 서명이 맞지 않으면 401로 응답합니다.',
  ],
  answered: ['answered {code}', '{code}로 응답'],
  answerOther: [
    'Retries: with ?answer=503 it answers 503 and the service tries again; any status from 200 to 599 can be asked for.',
    '재시도를 보려면 ?answer=503을 붙이십시오. 503으로 응답하므로 서비스가 다시 시도합니다. 200부터 599까지 정할 수 있습니다.',
  ],
  asIs: ['As it came', '받은 그대로'],
  body: ['Body', '본문'],
  clear: ['Empty it: reset the session', '비우기: 세션 초기화'],
  empty: ['Nothing has come yet.', '아직 받은 것이 없습니다.'],
  event: ['Event', '이벤트'],
  forgotten: [
    'Webhook #{number} is not among those shown: it is forgotten, or of another session or payment.',
    '#{number} 웹훅은 목록에 없습니다. 이미 잊혔거나 다른 세션 또는 결제의 웹훅입니다.',
  ],
  headers: ['Headers', '헤더'],
  howGive: [
    'Give this address as the webhook_url of a payment; the form of a new payment does it by itself.',
    '이 주소를 결제의 webhook_url로 지정하십시오. 새 결제 화면은 자동으로 지정합니다.',
  ],
  list: ['Webhooks that came, the newest first', '받은 웹훅, 최신순'],
  make: ['Make a payment that is told here', '여기로 알리는 결제 만들기'],
  makeRetried: ['Make one that is retried', '재시도되는 결제 만들기'],
  noBody: ['(empty)', '(비어 있음)'],
  notVerified: ['not verified', '검증 실패'],
  path: ['Path', '경로'],
  pretty: ['In lines', '보기 좋게'],
  problem: ['Why it does not verify', '검증 실패 사유'],
  received: ['Received', '받은 시각'],
  sequence: ['Sequence', '순번'],
  shown: ['{shown} of {total}', '{total}건 중 {shown}건'],
  signature: ['Signature', '서명'],
  title: ['Inbox', '수신함'],
  verified: ['verified', '검증됨'],
  verifiedLong: [
    "Verified: signed with the service's own secret, in time.",
    '검증됨: 서비스의 시크릿으로 제때 서명되었습니다.',
  ],
  webhook: ['Webhook #{number}', '웹훅 #{number}'],
});
