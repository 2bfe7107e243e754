import { formatCount } from '../../core/format.ts';
import { defineTexts } from '../../core/language.ts';
import { latest } from './history.ts';

const texts = defineTexts({
  code: ['Code', '코드'],
  count: ['How often', '횟수'],
  method: ['Method', '메서드'],
  none: ['No call has failed since the start.', '시작한 뒤로 실패한 호출이 없습니다.'],
  title: ['Calls that failed, since the start', '시작한 뒤 실패한 호출'],
});

/** Calls of payments by method and code, but those that were OK. */
export function Codes() {
  const samples = latest.value?.samples.get('grpc_server_handled_total') ?? [];
  const failed = samples.filter(
    ({ labels, value }) =>
      value > 0 && labels['grpc_code'] !== 'OK' && labels['grpc_service'] === 'payment.v1.PaymentService',
  );
  return (
    <section class="card">
      <h2>{texts('title')}</h2>
      {failed.length === 0 ? (
        <p class="soft">{texts('none')}</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{texts('method')}</th>
              <th scope="col">{texts('code')}</th>
              <th scope="col" class="number">
                {texts('count')}
              </th>
            </tr>
          </thead>
          <tbody>
            {failed.map(({ labels, value }) => (
              <tr key={`${labels['grpc_method']} ${labels['grpc_code']}`}>
                <td>{labels['grpc_method']}</td>
                <td>{labels['grpc_code']}</td>
                <td class="number">{formatCount(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
