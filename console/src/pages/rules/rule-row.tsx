import { useEffect, useRef } from 'preact/hooks';
import type { Rule } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button } from '../../components/basics.tsx';
import { formatCount } from '../../core/format.ts';
import { describeMatch, describeOptions } from '../../core/in-words.ts';
import { defineTexts } from '../../core/language.ts';
import { hrefTo } from '../../core/router.ts';
import { common } from '../../core/texts.ts';

const texts = defineTexts({
  all: ['all', '전체'],
  everySession: ['(every session)', '(모든 세션)'],
  ofFile: ['It cannot be deleted here: it is of a file.', '파일의 규칙이라 여기서 삭제할 수 없습니다.'],
  what: ['Delete {rule}', '{rule} 삭제'],
});

interface RowProps {
  readonly rule: Rule;
  /** Whether the reader came for it. */
  readonly isWanted: boolean;
  readonly isBusy: boolean;
  readonly onDelete: () => void;
}

export function RuleRow({ rule, isWanted, isBusy, onDelete }: RowProps) {
  const { ruleId, label, source, sessionId } = rule;
  const isOfFile = source !== 'api';
  const method = rule.match?.method ?? '';
  return (
    <tr class={isWanted ? 'wanted' : ''}>
      <td class="wide">
        <RuleLink ruleId={ruleId} isWanted={isWanted} />
        {label !== '' && <div class="soft">{label}</div>}
      </td>
      <td class="wide">
        <div class="mono">{method === '' ? 'CreatePaymentIntent' : method}</div>
        {describeMatch(rule.match) || <span class="soft">{texts('all')}</span>}
      </td>
      <td class="wide">{describeOptions(rule.simulation)}</td>
      <td>
        {countsOf(rule).map((text) => (
          <div key={text}>{text}</div>
        ))}
      </td>
      <td class="number">
        <Matched count={rule.matched} />
      </td>
      <td>{sessionId !== '' ? sessionId : isOfFile ? texts('everySession') : common('globalSession')}</td>
      <td class="wide">
        {isOfFile ? (
          <>
            <div>{source}</div>
            <div class="soft">{texts('ofFile')}</div>
          </>
        ) : (
          <span class="row">
            {source}
            <Button
              kind="danger"
              disabled={isBusy}
              onClick={onDelete}
              label={texts('what', { rule: ruleId })}
            >
              {common('delete')}
            </Button>
          </span>
        )}
      </td>
    </tr>
  );
}

/** Its own address; the reader who came by it is brought there. */
function RuleLink({ ruleId, isWanted }: Pick<RowProps, 'isWanted'> & { readonly ruleId: string }) {
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    if (isWanted) {
      link.current?.focus({ preventScroll: true });
      link.current?.scrollIntoView({ block: 'center' });
    }
  }, [isWanted]);
  return (
    <a
      ref={link}
      data-row
      class="mono"
      href={hrefTo(['rules'], { rule: ruleId })}
      aria-current={isWanted ? 'true' : undefined}
    >
      {ruleId}
    </a>
  );
}

/** Glows when it has grown. */
function Matched({ count }: { readonly count: bigint }) {
  const first = useRef(count);
  return (
    <span key={String(count)} class={count === first.current ? '' : 'fresh'}>
      {formatCount(count)}
    </span>
  );
}

function countsOf({ times, skip, oneIn, perReservation }: Rule): readonly string[] {
  return [
    ...(times > 0 ? [`times ${times}`] : []),
    ...(skip > 0 ? [`skip ${skip}`] : []),
    ...(oneIn > 1 ? [`one_in ${oneIn}`] : []),
    ...(perReservation ? ['per_reservation'] : []),
  ];
}
