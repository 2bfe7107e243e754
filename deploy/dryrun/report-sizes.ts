import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type Image, sizeOf } from './build-image.ts';

/**
 * The base image, as `docker images` lists node:22-slim (Debian 12 and Node, 220 MB), according to
 * https://labs.iximiuz.com/tutorials/how-to-choose-nodejs-container-image, read on 2026-11-22. The tag
 * that the Dockerfile names could not be pulled here.
 */
const baseImageMb = 220;

/** Prints what the image adds to its base, per COPY and in all, plain and compressed. */
export function reportSizes(image: Image, say: (line: string) => void): void {
  let plain = 0;
  let compressed = 0;
  for (const step of image.stage.steps) {
    if (step.kind === 'copy') {
      for (const source of step.sources) {
        const name = source.replace(/^\/app\//, '');
        const folder = join(image.root, step.workdir);
        const bytes = sizeOf(join(folder, name));
        const packed = Number(
          execFileSync('sh', ['-c', 'tar -C "$1" -cf - "$2" | gzip -6 | wc -c', 'sh', folder, name]),
        );
        say(`${name.padEnd(16)} ${megabytes(bytes)} MB, ${megabytes(packed)} MB compressed`);
        plain += bytes;
        compressed += packed;
      }
    }
  }
  say(`${'added to base'.padEnd(16)} ${megabytes(plain)} MB, ${megabytes(compressed)} MB compressed`);
  say(
    `${'image, estimate'.padEnd(16)} ${(baseImageMb + plain / 1e6).toFixed(0)} MB, of which ${baseImageMb} MB are node:…-bookworm-slim`,
  );
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1).padStart(6);
}
