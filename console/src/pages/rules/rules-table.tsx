import { useState } from 'preact/hooks';
import type { Rule } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, ErrorBox } from '../../components/basics.tsx';
import { inSession, simulator } from '../../core/api.ts';
import { formatCount } from '../../core/format.ts';
import { defineTexts } from '../../core/language.ts';
import { useAction } from '../../core/loading.ts';
import { common } from '../../core/texts.ts';
import { RuleRow } from './rule-row.tsx';

const texts = defineTexts({
  caption: ['Rules, in the order in which they are asked', '적용 순서대로 나열한 규칙'],
  counts: ['Counts', '횟수 제한'],
  deleted: ['{rule} is deleted.', '{rule} 규칙을 삭제했습니다.'],
  does: ['Does', '동작'],
  matched: ['Applied', '적용됨'],
  more: ['Show more: {count} are left', '더 보기: {count}건 남음'],
  of: ['Calls', '대상 호출'],
  rule: ['Rule', '규칙'],
  source: ['Source', '출처'],
});

/** More are not drawn at once. */
const pageSize = 100;

interface TableProps {
  readonly rules: readonly Rule[];
  /** The id of the one that the reader came for. */
  readonly wanted: string;
  readonly onChanged: () => void;
}

export function RulesTable({ rules, wanted, onChanged }: TableProps) {
  const action = useAction();
  const [limit, setLimit] = useState(pageSize);
  const [deleted, setDeleted] = useState('');
  // The one that somebody came for is there, wherever it stands.
  const shown = rules.filter(({ ruleId }, index) => index < limit || ruleId === wanted);
  const remove = ({ ruleId, sessionId }: Rule) =>
    action.run(async () => {
      await simulator.deleteRule({ ruleId }, inSession(sessionId));
      setDeleted(ruleId);
      onChanged();
    });
  return (
    <>
      <ErrorBox error={action.error} />
      <div class="table">
        <table class="rules">
          <caption class="visually-hidden">{texts('caption')}</caption>
          <Head />
          <tbody>
            {shown.map((rule) => (
              <RuleRow
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
      {shown.length < rules.length && (
        <p class="row">
          <Button onClick={() => setLimit(limit + pageSize)}>
            {texts('more', { count: formatCount(rules.length - shown.length) })}
          </Button>
        </p>
      )}
      <p class="soft" aria-live="polite">
        {deleted !== '' && texts('deleted', { rule: deleted })}
      </p>
    </>
  );
}

function Head() {
  return (
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
  );
}
