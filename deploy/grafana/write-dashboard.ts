import { writeFileSync } from 'node:fs';
import { createDashboard } from './dashboard.ts';

writeFileSync(
  new URL('payment-sim.json', import.meta.url),
  `${JSON.stringify(createDashboard(), undefined, 2)}\n`,
);
