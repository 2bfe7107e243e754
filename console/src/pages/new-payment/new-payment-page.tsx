import { PageHead } from '../../components/basics.tsx';

export function NewPaymentPage() {
  return <PageHead title="NewPayment" />;
}
