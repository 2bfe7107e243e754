import { errorMessage } from '../base/error-text.ts';
import type { SimSession } from './sim-session.ts';

/** A simulator that runs elsewhere. */
export interface ConnectedSim extends SimSession {
  /** Where calls go. */
  readonly apiUrl: string;
  /** A session of that name; made when something is set in it. */
  session(name: string): SimSession;
  /** Removes the rules, settings, payments and memories of all sessions, those of others included. */
  resetAll(): Promise<void>;
  /** Closes the connections; the simulator goes on. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** For the first answer, in milliseconds. */
const timeoutMs = 5_000;

/**
 * The simulator at `apiUrl`, such as `http://localhost:8030`, with what `startPaymentSim` gives of one in this process:
 * clients, rules, sessions, deliveries.
 *
 * @throws Error when it cannot be reached, or does not let testers steer.
 */
export async function connectPaymentSim(apiUrl: string): Promise<ConnectedSim> {
  const { connectSessions } = await import('./sim-session.ts');
  const sessions = connectSessions(apiUrl);
  const own = sessions.session('');
  const close = async () => sessions.close();
  try {
    await own.simulator.listRules({}, { timeoutMs });
  } catch (error) {
    sessions.close();
    throw new Error(
      `no simulator that can be steered at ${apiUrl} (it needs SIMULATOR_API=on): ${errorMessage(error)}`,
      { cause: error },
    );
  }
  return {
    ...own,
    apiUrl,
    session: (name) => sessions.session(name),
    resetAll: () => sessions.resetAll(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
