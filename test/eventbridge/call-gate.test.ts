import { expect, test, vi } from 'vitest';
import { createCallGate } from '../../src/delivery/eventbridge/call-gate.ts';
import { createFakeClock } from '../support/fake-clock.ts';

function createGate() {
  const clock = createFakeClock();
  const onOpen = vi.fn<() => void>();
  const onRecovery = vi.fn<() => void>();
  const gate = createCallGate({
    machine: clock,
    random: () => 0.5,
    maxInFlight: 3,
    basePauseMs: 100,
    maxPauseMs: 1_000,
    onOpen,
    onRecovery,
  });
  return { clock, gate, onOpen, onRecovery };
}

test('while calls work, as many are under way as allowed', () => {
  const { gate } = createGate();
  gate.started();
  gate.started();
  expect(gate.mayStart()).toBe(true);
  gate.started();
  expect(gate.mayStart()).toBe(false);
  gate.ended('worked');
  expect(gate.mayStart()).toBe(true);
});

test('after a failed call there is a pause, then one call at a time until one works', async () => {
  const { gate, clock, onOpen, onRecovery } = createGate();
  gate.started();
  gate.started();
  gate.ended('failed');
  expect([gate.isFailing(), gate.hasWorked()]).toEqual([true, false]);
  // It started before the pause: the pause is not made longer by it.
  gate.ended('failed');
  expect(gate.mayStart()).toBe(false);
  await clock.advance(99);
  expect(onOpen).not.toHaveBeenCalled();
  await clock.advance(1);
  expect(onOpen).toHaveBeenCalledOnce();
  gate.started();
  expect(gate.mayStart()).toBe(false);
  expect(onRecovery).not.toHaveBeenCalled();
  gate.ended('worked');
  expect(onRecovery).toHaveBeenCalledOnce();
  expect([gate.isFailing(), gate.hasWorked()]).toEqual([false, true]);
  gate.started();
  gate.started();
  expect(gate.mayStart()).toBe(true);
  gate.ended('worked');
  expect(onRecovery).toHaveBeenCalledOnce();
});

test('pauses double up to their limit', async () => {
  const { gate, clock, onOpen } = createGate();
  for (const [index, pauseMs] of [100, 200, 400, 800, 1_000, 1_000].entries()) {
    gate.started();
    gate.ended('failed');
    await clock.advance(pauseMs - 1);
    expect(onOpen).toHaveBeenCalledTimes(index);
    await clock.advance(1);
    expect(onOpen).toHaveBeenCalledTimes(index + 1);
  }
});

test('a call that works ends the pause', () => {
  const { gate, clock } = createGate();
  gate.started();
  gate.started();
  gate.ended('failed');
  gate.ended('worked');
  expect(gate.mayStart()).toBe(true);
  expect(clock.timerCount()).toBe(0);
});
