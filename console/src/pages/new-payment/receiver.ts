/* Who is told how the payment ends. Pure. */

/** The choices: the console's inbox, an address of one's own, or what the service has. */
export type ReceiverKind = 'inbox' | 'own' | 'default';

export interface Receiver {
  readonly kind: ReceiverKind;
  /** Of the inbox: the status that it answers with; empty: 204, or 401 for what does not verify. */
  readonly answer: string;
  /** One's own. */
  readonly url: string;
}

/** What the inbox can be asked to answer: taken, wrong for good, and wrong for now. */
export const inboxAnswers: readonly string[] = ['200', '400', '404', '410', '429', '500', '503'];

/** @param url of an address that fills in the form; empty: none. */
export function receiverOf(url: string, inbox: string): Receiver {
  const usual = { kind: inbox === '' ? 'default' : 'inbox', answer: '', url: '' } as const;
  if (url === '') {
    return usual;
  }
  const [address, query = ''] = url.split('?');
  const answer = /^answer=(\d{3})$/.exec(query)?.[1] ?? '';
  const isInbox = inbox !== '' && address === inbox && (query === '' || inboxAnswers.includes(answer));
  return isInbox ? { ...usual, answer } : { kind: 'own', answer: '', url };
}

/** The webhook_url; empty: the service's own WEBHOOK_URL, or no webhook. */
export function webhookUrlOf({ kind, answer, url }: Receiver, inbox: string): string {
  switch (kind) {
    case 'inbox':
      return answer === '' ? inbox : `${inbox}?answer=${answer}`;
    case 'own':
      return url;
    case 'default':
      return '';
  }
}
