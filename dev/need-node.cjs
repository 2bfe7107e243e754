// Loaded in front of an entry of the sources (`node -r`), whose TypeScript an old Node cannot even begin to
// read: ends the process with one line. In the package src/base/end-on-old-node.ts does the same.
const [, oldest] = /(\d+\.\d+)/.exec(require('../package.json').engines.node);
const [major, minor] = oldest.split('.').map(Number);
const [thisMajor, thisMinor] = process.versions.node.split('.').map(Number);
if (thisMajor < major || (thisMajor === major && thisMinor < minor)) {
  process.stderr.write(
    `payment-sim needs Node ${oldest} or newer, this is ${process.versions.node}: npm ci brings one, for npm run\n`,
  );
  process.exit(1);
}
