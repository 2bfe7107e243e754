import { useEffect, useRef } from 'preact/hooks';
import type { Rule } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, ErrorBox } from '../../components/basics.tsx';
import { inSession, simulator } from '../../core/api.ts';
import { formatCount } from '../../core/format.ts';
import { describeMatch, describeOptions } from '../../core/in-words.ts';
import { defineTexts } from '../../core/language.ts';
import { useAction } from '../../core/loading.ts';
import { common } from '../../core/texts.ts';

const texts = defineTexts({
  allCreates: ['all', '전체'],
  caption: ['Rules, in the order in which they are asked', '적용 순서대로 나열한 규칙'],
  counts: ['Counts', '횟수 제한'],
  does: ['Does', '동작'],
  matched: ['Applied', '적용됨'],
  ofFile: ['of a file', '파일의 규칙'],
  of: ['Calls', '대상 호출'],
  rule: ['Rule', '규칙'],
  source: ['Source', '출처'],
  what: ['Delete {rule}', '{rule} 삭제'],
});

interface TableProps {
  readonly rules: readonly Rule[];
  /** The id of the one that the reader came for. */
  readonly wanted: string;
  readonly onChanged: () => void;
}

export function RulesTable({ rules, wanted, onChanged }: TableProps) {
  const action = useAction();
  const remove = ({ ruleId, sessionId }: Rule) =>
    action.run(async () => {
      await simulator.deleteRule({ ruleId }, inSession(sessionId));
      onChanged();
    });
  return (
    <>
      <ErrorBox error={action.error} />
      <div class="table">
        <table>
          <caption class="visually-hidden">{texts('caption')}</caption>
          <thead>
            <tr>
              {[texts('rule'), texts('of'), texts('does'), texts('counts')].map((text) => (
                <th key={text} scope="col">
                  {text}
                </th>
              ))}
              <th scope="col" class="number">
                {texts('matched')}
              </th>
              <th scope="col">{common('session')}</th>
              <th scope="col">{texts('source')}</th>
            </tr>
          </thead>
          <tbody>
            {rules.map((rule) => (
              <Row
                key={`${rule.sessionId} ${rule.ruleId}`}
                rule={rule}
                isWanted={rule.ruleId === wanted}
                isBusy={action.isBusy}
                onDelete={() => remove(rule)}
              />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Row({
  rule,
  isWanted,
  isBusy,
  onDelete,
}: {
  readonly rule: Rule;
  readonly isWanted: boolean;
  readonly isBusy: boolean;
  readonly onDelete: () => void;
}) {
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (isWanted) {
      row.current?.scrollIntoView({ block: 'center' });
    }
  }, [isWanted]);
  const method = rule.match?.method ?? '';
  return (
    <tr ref={row} class={isWanted ? 'wanted' : ''} data-row tabIndex={0}>
      <td class="wide">
        <code>{rule.ruleId}</code> <span class="soft">{rule.label}</span>
      </td>
      <td class="wide">
        {method === '' ? 'CreatePaymentIntent' : method}: {describeMatch(rule.match) || texts('allCreates')}
      </td>
      <td class="wide">{describeOptions(rule.simulation)}</td>
      <td>{countsOf(rule)}</td>
      <td class="number">{formatCount(rule.matched)}</td>
      <td>{rule.sessionId === '' ? common('globalSession') : rule.sessionId}</td>
      <td>
        {rule.source === 'api' ? (
          <Button
            kind="danger"
            disabled={isBusy}
            onClick={onDelete}
            label={texts('what', { rule: rule.ruleId })}
          >
            {common('delete')}
          </Button>
        ) : (
          <span title={texts('ofFile')}>{rule.source}</span>
        )}
      </td>
    </tr>
  );
}

function countsOf({ times, skip, oneIn, perReservation }: Rule): string {
  return [
    ...(times > 0 ? [`times ${times}`] : []),
    ...(skip > 0 ? [`skip ${skip}`] : []),
    ...(oneIn > 1 ? [`one_in ${oneIn}`] : []),
    ...(perReservation ? ['per_reservation'] : []),
  ].join(', ');
}
