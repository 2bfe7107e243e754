import { PageHead } from '../../components/basics.tsx';

export function DeliveriesPage() {
  return <PageHead title="Deliveries" />;
}
