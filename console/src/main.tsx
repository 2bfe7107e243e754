import { render } from 'preact';
import { App } from './app.tsx';
import { findOutWhetherToSteer } from './core/api.ts';
import { language } from './core/language.ts';
import { connection } from './core/watch.ts';

const place = document.querySelector('#app');
if (place === null) {
  throw new Error('the page has no element #app');
}
language.subscribe((value) => {
  document.documentElement.lang = value;
});
render(<App />, place);

/** Until the service has answered once, in milliseconds. */
const retryMs = 1_000;

async function connect(): Promise<void> {
  try {
    await findOutWhetherToSteer();
    connection.value = 'live';
  } catch {
    connection.value = 'lost';
    setTimeout(() => void connect(), retryMs);
  }
}

void connect();
