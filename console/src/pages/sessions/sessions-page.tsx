import { PageHead } from '../../components/basics.tsx';

export function SessionsPage() {
  return <PageHead title="Sessions" />;
}
