import { useState } from 'preact/hooks';
import { EntryKind } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, Empty, ErrorBox, PageHead } from '../../components/basics.tsx';
import { inScope, simulator } from '../../core/api.ts';
import { useKeys } from '../../core/keys.ts';
import { defineTexts } from '../../core/language.ts';
import { useLiveReload } from '../../core/live-reload.ts';
import { useLoaded } from '../../core/loading.ts';
import { hrefTo, route, scope } from '../../core/router.ts';
import { common } from '../../core/texts.ts';
import { MakeRule } from './make-rule.tsx';
import { RulesTable } from './rules-table.tsx';
import { TryCall } from './try-call.tsx';

const texts = defineTexts({
  gone: [
    'There is no rule {rule} here. It was deleted, or is of another session; that of a magic user is here once it has applied.',
    '{rule} 규칙이 없습니다. 삭제되었거나 다른 세션의 규칙입니다. 매직 사용자의 규칙은 한 번 적용된 뒤에 나타납니다.',
  ],
  make: ['New rule', '새 규칙'],
  none: ['No rules. Payments go as the scenario says.', '규칙이 없습니다. 결제는 시나리오대로 진행됩니다.'],
  order: [
    'The first that fits decides; of each field the first that says anything of it.',
    '먼저 맞는 규칙이 결정합니다. 필드마다 그 필드를 정한 첫 규칙을 따릅니다.',
  ],
  title: ['Rules', '규칙'],
});

/** What testers have chosen, in the order in which it is asked. */
export function RulesPage() {
  const { value, error, reload } = useLoaded(() => simulator.listRules({}, inScope()), []);
  const [isMaking, setMaking] = useState(false);
  useLiveReload('rules', { kinds: [EntryKind.CALL] }, reload);
  useKeys({ r: reload });
  const { path, query } = route.value;
  const wanted = path[1] ?? query.get('rule') ?? '';
  const isGone = wanted !== '' && value !== undefined && value.rules.every(({ ruleId }) => ruleId !== wanted);
  return (
    <>
      <PageHead title={texts('title')}>
        <Button onClick={reload}>{common('refresh')}</Button>
        <Button kind="primary" onClick={() => setMaking(!isMaking)}>
          {texts('make')}
        </Button>
      </PageHead>
      <ErrorBox error={error} />
      {isMaking && (
        <MakeRule
          onMade={() => {
            setMaking(false);
            reload();
          }}
        />
      )}
      {isGone && <Gone rule={wanted} />}
      {value === undefined ? (
        <p class="soft">{error === undefined && common('loading')}</p>
      ) : value.rules.length === 0 ? (
        <Empty>{texts('none')}</Empty>
      ) : (
        <>
          <p class="soft">{texts('order')}</p>
          <RulesTable rules={value.rules} wanted={wanted} onChanged={reload} />
        </>
      )}
      <TryCall />
    </>
  );
}

function Gone({ rule }: { readonly rule: string }) {
  return (
    <p class="box wait" role="status">
      {texts('gone', { rule })}{' '}
      {scope.value !== '*' && (
        <a href={hrefTo(['rules'], { rule, session: undefined })}>{common('allSessions')}</a>
      )}
    </p>
  );
}
