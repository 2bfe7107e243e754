import { PageHead } from '../../components/basics.tsx';

export function RulesPage() {
  return <PageHead title="Rules" />;
}
