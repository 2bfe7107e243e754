import { PageHead } from '../../components/basics.tsx';

export function OverviewPage() {
  return <PageHead title="Overview" />;
}
