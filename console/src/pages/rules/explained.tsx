import { toJsonString } from '@bufbuild/protobuf';
import { SimulationOptionsSchema } from '../../../../gen/payment/v1/payment_pb.js';
import type { ExplainCallResponse, RuleVerdict } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Badge, Code } from '../../components/basics.tsx';
import { describeOptions } from '../../core/in-words.ts';
import { defineTexts } from '../../core/language.ts';
import { hrefTo } from '../../core/router.ts';
import { common } from '../../core/texts.ts';

const texts = defineTexts({
  applies: ['applies', '적용됨'],
  json: ['The same as SimulationOptions', 'SimulationOptions로'],
  more: ['{count} more do not apply.', '그 밖의 {count}건은 적용되지 않습니다.'],
  noRules: ['No rule is asked.', '확인할 규칙이 없습니다.'],
  not: ['does not', '적용 안 됨'],
  nothing: ['as the scenario says', '시나리오대로'],
  result: ['What would happen', '일어날 일'],
});

/** More of those that do not apply are counted, and not shown. */
const maxMisfits = 50;

/** What would become of a call, and why. */
export function Explained({ answer }: { readonly answer: ExplainCallResponse }) {
  const { sessionId, simulation, verdicts } = answer;
  const misfits = verdicts.filter(({ applies }) => !applies);
  const left = new Set(misfits.slice(maxMisfits));
  const session = sessionId === '' ? common('globalSession') : sessionId;
  const json =
    simulation &&
    toJsonString(SimulationOptionsSchema, simulation, { useProtoFieldName: true, prettySpaces: 2 });
  return (
    <>
      <p>
        {common('session')}: <a href={hrefTo(['sessions'], { session: sessionId })}>{session}</a>
      </p>
      {verdicts.length === 0 && <p class="soft">{texts('noRules')}</p>}
      <ol class="verdicts">
        {verdicts.map((verdict, index) =>
          left.has(verdict) ? null : (
            <Verdict key={verdict.rule?.ruleId} number={index + 1} verdict={verdict} session={sessionId} />
          ),
        )}
      </ol>
      {left.size > 0 && <p class="soft">{texts('more', { count: left.size })}</p>}
      <p>
        {texts('result')}: <strong>{describeOptions(simulation) || texts('nothing')}</strong>
      </p>
      {json !== undefined && json !== '{}' && <Code label={texts('json')} text={json} />}
    </>
  );
}

function Verdict({
  number,
  verdict,
  session,
}: {
  readonly number: number;
  readonly verdict: RuleVerdict;
  readonly session: string;
}) {
  const { rule, applies, reason } = verdict;
  return (
    <li value={number}>
      <a class="mono" href={hrefTo(['rules'], { rule: rule?.ruleId, session })}>
        {rule?.ruleId}
      </a>{' '}
      <Badge tone={applies ? 'good' : 'dull'}>{applies ? texts('applies') : texts('not')}</Badge>{' '}
      {applies ? describeOptions(rule?.simulation) : reason}
    </li>
  );
}
