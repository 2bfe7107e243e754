import { useState } from 'preact/hooks';
import { Button, TextField } from '../../components/basics.tsx';
import { defineTexts } from '../../core/language.ts';
import { spanMs } from './spans.ts';

const texts = defineTexts({
  by: ['By', '이동할 시간'],
  hint: ['Such as 90s or 1h 30min; up to 31 days.', '예: 90s, 1h 30min. 31일까지.'],
  move: ['Move', '이동'],
  wrong: ['Write it with a unit, such as 90s or 1h 30min.', '90s, 1h 30min처럼 단위를 붙여 쓰십시오.'],
});

/** Moves a clock by any time. */
export function AnySpan({
  isBusy,
  onMove,
}: {
  readonly isBusy: boolean;
  readonly onMove: (ms: number) => void;
}) {
  const [text, setText] = useState('');
  const [isWrong, setWrong] = useState(false);
  const move = () => {
    const ms = spanMs(text);
    setWrong(ms === undefined);
    if (ms !== undefined) {
      onMove(ms);
    }
  };
  return (
    <form
      class="row span"
      onSubmit={(event) => {
        event.preventDefault();
        move();
      }}
    >
      <TextField
        label={texts('by')}
        value={text}
        onInput={setText}
        hint={texts('hint')}
        problem={isWrong ? texts('wrong') : undefined}
        placeholder="90s"
      />
      <Button type="submit" disabled={isBusy}>
        {texts('move')}
      </Button>
    </form>
  );
}
