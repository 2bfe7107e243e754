import { PageHead } from '../../components/basics.tsx';

export function InboxPage() {
  return <PageHead title="Inbox" />;
}
