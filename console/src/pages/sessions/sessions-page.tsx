import { useState } from 'preact/hooks';
import { EntryKind } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, Empty, ErrorBox, PageHead } from '../../components/basics.tsx';
import { looking, simulator } from '../../core/api.ts';
import { formatCount } from '../../core/format.ts';
import { useKeys } from '../../core/keys.ts';
import { defineTexts } from '../../core/language.ts';
import { useLiveReload } from '../../core/live-reload.ts';
import { useLoaded } from '../../core/loading.ts';
import { scope } from '../../core/router.ts';
import { common } from '../../core/texts.ts';
import { EditSession } from './edit-session.tsx';
import { ResetDialog } from './reset-dialog.tsx';
import { SessionCard } from './session-card.tsx';

const texts = defineTexts({
  make: ['New session', '새 세션'],
  more: [
    '{shown} of {total}, those that were used last. Choose one at the left to see another.',
    '{total}건 중 최근에 사용된 {shown}건입니다. 다른 세션은 왼쪽에서 고를 수 있습니다.',
  ],
  none: [
    'Nothing is known of {session}. It begins with its first call, its first rule, or its settings.',
    '{session} 세션에는 아직 아무것도 없습니다. 첫 호출이나 규칙, 설정으로 시작됩니다.',
  ],
  resetAll: ['Reset all…', '모두 초기화…'],
  title: ['Sessions', '세션'],
});

/** More are not drawn. */
const maxShown = 100;

/** Every session, with its clock. */
export function SessionsPage() {
  const { value, error, reload } = useLoaded(() => simulator.listSessions({}, looking()), []);
  const [isMaking, setMaking] = useState(false);
  const [isResetting, setResetting] = useState(false);
  useLiveReload('sessions', { kinds: [EntryKind.CALL, EntryKind.TRANSITION] }, reload);
  useKeys({ r: reload });
  const sessions = value?.sessions ?? [];
  const fitting = sessions.filter(({ session }) => scope.value === '*' || session?.sessionId === scope.value);
  const shown = fitting.slice(0, maxShown);
  const total = scope.value === '*' ? (value?.total ?? 0) : fitting.length;
  return (
    <>
      <PageHead title={texts('title')}>
        <Button onClick={reload}>{common('refresh')}</Button>
        <Button kind="danger" onClick={() => setResetting(true)}>
          {texts('resetAll')}
        </Button>
        <Button kind="primary" onClick={() => setMaking(!isMaking)}>
          {texts('make')}
        </Button>
      </PageHead>
      <ErrorBox error={error} />
      {isMaking && (
        <EditSession
          session={undefined}
          onDone={() => {
            setMaking(false);
            reload();
          }}
        />
      )}
      {value === undefined && error === undefined && <p class="soft">{common('loading')}</p>}
      {value !== undefined && shown.length === 0 && !isMaking && (
        <Empty>{texts('none', { session: scope.value })}</Empty>
      )}
      {total > shown.length && (
        <p class="soft">{texts('more', { shown: formatCount(shown.length), total: formatCount(total) })}</p>
      )}
      {shown.map((listed) => (
        <SessionCard key={listed.session?.sessionId} listed={listed} onChanged={reload} />
      ))}
      {isResetting && <ResetDialog sessionId="*" onDone={reload} onClose={() => setResetting(false)} />}
    </>
  );
}
