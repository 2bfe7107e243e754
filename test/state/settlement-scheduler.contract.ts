import { describe, expect, test } from 'vitest';
import type { SettlementScheduler } from '../../src/state/ports.ts';
import type { PortHarness } from './harness.ts';

/** What the suite asks for: an empty scheduler of its own per test. */
export type SettlementSchedulerFactory = () => Promise<PortHarness<SettlementScheduler>>;

const delayMs = 300;

/** A started scheduler whose calls are kept. */
async function startRecording(open: SettlementSchedulerFactory) {
  const harness = await open();
  const calls: { readonly id: string; readonly dueAtMs: number; readonly atMs: number }[] = [];
  harness.port.start(async (id, dueAtMs) => {
    calls.push({ id, dueAtMs, atMs: harness.now() });
  });
  return { ...harness, scheduler: harness.port, calls, ids: () => calls.map((call) => call.id) };
}

/** What every SettlementScheduler does. */
export function describeSettlementScheduler(name: string, open: SettlementSchedulerFactory): void {
  describe(`SettlementScheduler contract: ${name}`, () => {
    test('settles each payment once, when it is due and not before', async () => {
      const { scheduler, calls, ids, now, passTime } = await startRecording(open);
      const dueAtMs = now() + delayMs;
      await scheduler.schedule('pay-late', dueAtMs + delayMs);
      await scheduler.schedule('pay-early', dueAtMs);
      await scheduler.schedule('pay-twin', dueAtMs);
      expect(await scheduler.size()).toBe(3);
      await passTime(delayMs);
      await expect.poll(ids).toEqual(expect.arrayContaining(['pay-early', 'pay-twin']));
      await passTime(delayMs);
      await expect.poll(ids).toContain('pay-late');
      await passTime(delayMs);
      expect(ids().toSorted((a, b) => a.localeCompare(b))).toEqual(['pay-early', 'pay-late', 'pay-twin']);
      for (const call of calls) {
        expect(call.dueAtMs).toBe(call.id === 'pay-late' ? dueAtMs + delayMs : dueAtMs);
        expect(call.atMs).toBeGreaterThanOrEqual(call.dueAtMs);
      }
      await expect.poll(() => scheduler.size()).toBe(0);
    });

    test('what is overdue settles at once', async () => {
      const { scheduler, ids, now, passTime } = await startRecording(open);
      await scheduler.schedule('pay-now', now());
      await scheduler.schedule('pay-overdue', now() - 60_000);
      await passTime(1);
      await expect.poll(ids).toHaveLength(2);
    });

    test('one settlement that takes long holds no other back', async () => {
      const harness = await open();
      const settled: string[] = [];
      const slow = Promise.withResolvers<void>();
      harness.port.start(async (id) => {
        settled.push(id);
        await (id === 'pay-slow' ? slow.promise : undefined);
      });
      await harness.port.schedule('pay-slow', harness.now());
      await harness.port.schedule('pay-next', harness.now() + 1);
      await harness.passTime(1);
      await expect.poll(() => settled).toEqual(['pay-slow', 'pay-next']);
      slow.resolve();
    });

    test('what is cancelled does not settle, and only that', async () => {
      const { scheduler, ids, now, passTime } = await startRecording(open);
      const dueAtMs = now() + delayMs;
      await scheduler.schedule('pay-a', dueAtMs);
      await scheduler.schedule('pay-b', dueAtMs);
      await scheduler.schedule('pay-c', dueAtMs + 1);
      await scheduler.cancel('pay-a', dueAtMs);
      await scheduler.cancel('pay-a', dueAtMs);
      await scheduler.cancel('pay-c', dueAtMs + 1);
      await scheduler.cancel('pay-unknown', dueAtMs);
      await scheduler.cancel('pay-unknown', dueAtMs + 99);
      expect(await scheduler.size()).toBe(1);
      await passTime(delayMs * 2);
      await expect.poll(ids).toEqual(['pay-b']);
      await scheduler.cancel('pay-b', dueAtMs);
      await expect.poll(() => scheduler.size()).toBe(0);
    });

    test('what is hastened settles now and once, and what is not scheduled does not', async () => {
      const { scheduler, calls, ids, now, passTime } = await startRecording(open);
      const dueAtMs = now() + 1_000 * delayMs;
      await scheduler.schedule('pay-a', dueAtMs);
      await scheduler.schedule('pay-b', dueAtMs);
      expect(await scheduler.hasten('pay-a', dueAtMs)).toBe(true);
      expect(await scheduler.hasten('pay-unknown', dueAtMs)).toBe(false);
      await passTime(1);
      await expect.poll(ids).toEqual(['pay-a']);
      expect(calls[0]?.dueAtMs).toBe(dueAtMs);
      await expect.poll(() => scheduler.size()).toBe(1);
      expect(await scheduler.hasten('pay-a', dueAtMs)).toBe(false);
      await passTime(delayMs);
      expect(ids()).toEqual(['pay-a']);
    });

    test('drain with nothing left resolves', async () => {
      const { scheduler, now, passTime } = await startRecording(open);
      await scheduler.schedule('pay-a', now());
      await passTime(1);
      await expect.poll(() => scheduler.size()).toBe(0);
      await scheduler.drain(now() + delayMs);
    });

    test('drain settles on time what is due before the horizon, unless another process will', async () => {
      const { scheduler, calls, now, passTime, outlivesProcess } = await startRecording(open);
      await scheduler.schedule('pay-a', now() + delayMs);
      await scheduler.schedule('pay-b', now() + 2 * delayMs);
      const drained = scheduler.drain(now() + 2 * delayMs);
      await passTime(2 * delayMs);
      await drained;
      expect(calls.map((call) => call.id)).toEqual(outlivesProcess ? [] : ['pay-a', 'pay-b']);
      expect(calls.every((call) => call.atMs >= call.dueAtMs)).toBe(true);
    });

    test('drain settles at once what is due after the horizon, unless another process will', async () => {
      const { scheduler, ids, now, passTime, outlivesProcess } = await startRecording(open);
      await scheduler.schedule('pay-before', now() + delayMs);
      await scheduler.schedule('pay-after', now() + 1_000 * delayMs);
      const drained = scheduler.drain(now() + delayMs);
      if (!outlivesProcess) {
        await expect.poll(ids).toEqual(['pay-after']);
      }
      await passTime(delayMs);
      await drained;
      expect(ids()).toEqual(outlivesProcess ? [] : ['pay-after', 'pay-before']);
    });

    test('what is scheduled while draining keeps to the horizon', async () => {
      const { scheduler, ids, now, passTime, outlivesProcess } = await startRecording(open);
      await scheduler.schedule('pay-before', now() + delayMs);
      const drained = scheduler.drain(now() + delayMs);
      await scheduler.schedule('pay-new', now() + 1_000 * delayMs);
      await passTime(delayMs);
      await drained;
      expect(ids()).toEqual(outlivesProcess ? [] : ['pay-new', 'pay-before']);
    });

    test('drain waits for settlements that are running', async () => {
      const harness = await open();
      const gates: (() => void)[] = [];
      harness.port.start(() => new Promise((resolve) => gates.push(resolve)));
      await harness.port.schedule('pay-a', harness.now());
      await harness.passTime(1);
      await expect.poll(() => gates.length).toBe(1);
      const events: string[] = [];
      const drain = async () => {
        await harness.port.drain(harness.now() + 1_000 * delayMs);
        events.push('drained');
      };
      const drained = drain();
      await harness.passTime(delayMs);
      events.push('settled');
      gates[0]?.();
      await drained;
      expect(events).toEqual(['settled', 'drained']);
    });

    test('drain ends when the last payment it waits for is cancelled', async () => {
      const { scheduler, ids, now } = await startRecording(open);
      const dueAtMs = now() + 1_000 * delayMs;
      await scheduler.schedule('pay-a', dueAtMs);
      const drained = scheduler.drain(dueAtMs);
      await scheduler.cancel('pay-a', dueAtMs);
      await drained;
      expect(ids()).toEqual([]);
    });
  });
}
