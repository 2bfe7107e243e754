import { canSteer, simulator } from '../core/api.ts';
import { useLoaded } from '../core/loading.ts';
import { replaceQuery, scope } from '../core/router.ts';
import { common } from '../core/texts.ts';
import { SelectField } from './basics.tsx';

/** Chooses whose payments are shown. */
export function SessionPicker() {
  const { value, reload } = useLoaded(
    async () =>
      canSteer.value === true ? await simulator.listSessions({}, { timeoutMs: 10_000 }) : undefined,
    [canSteer.value],
  );
  const known = (value?.sessions ?? []).map(({ session }) => session?.sessionId ?? '');
  // The one that an address has named may not be known yet.
  const ids = [...new Set(['', ...(scope.value === '*' ? [] : [scope.value]), ...known])];
  return (
    // Sessions come and go: they are asked for when somebody is about to choose.
    <div onFocusCapture={reload}>
      <SelectField
        label={common('session')}
        value={scope.value}
        options={[
          ['*', common('allSessions')],
          ...ids.map((id) => [id, id === '' ? common('globalSession') : id] as const),
        ]}
        onChange={(session) => replaceQuery({ session: session === '*' ? undefined : session })}
      />
    </div>
  );
}
