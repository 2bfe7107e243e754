# Payment Sim and its reservation worker in one image. `npm run docker:dryrun` carries out this file
# where there is no Docker engine. The version is that of the package `node` in package.json.
FROM node:24.21.0-bookworm-slim AS base
ENV NODE_ENV=production
WORKDIR /app

# What the service needs at run time. The package `node` is not among it: the image has its own.
FROM base AS dependencies
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

# Compiles. The compiler is called without npm, whose scripts would look for the package `node`.
FROM base AS build
COPY package.json package-lock.json ./
RUN npm ci --include=dev --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY gen ./gen
COPY src ./src
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json
COPY console ./console
RUN node console/build.ts

# Everything that is shipped, and Node's compile cache of it. The cache is kept per user, so it is made
# by the user who reads it; at run time nothing can be written.
FROM base AS app
COPY package.json LICENSE THIRD_PARTY_LICENSES.md ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY gen ./gen
COPY rules ./rules
COPY --from=build /app/dist ./dist
RUN mkdir compile-cache && chown 1001:1001 compile-cache
USER 1001:1001
RUN NODE_COMPILE_CACHE=/app/compile-cache node -e "Promise.all(['./dist/cli/program.js', './dist/cli/commands/run-service.js', './dist/cli/commands/run-worker.js', './dist/state/redis/redis-state.js', './dist/contracts/simulator-v1/rules-file.js', '@aws-sdk/client-eventbridge'].map((file) => import(file)))"

FROM base
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="payment-sim" \
      org.opencontainers.image.description="A payment gateway simulator: answers PENDING at once, settles seconds later, and tells the outcome by EventBridge event and signed webhook" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/node:24.21.0-bookworm-slim" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The rarely changed first. Everything belongs to root, so the service cannot change itself.
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE THIRD_PARTY_LICENSES.md ./
COPY gen ./gen
COPY rules ./rules
COPY --from=build /app/dist ./dist
COPY --from=app --chown=0:0 /app/compile-cache ./compile-cache
ENV NODE_COMPILE_CACHE=/app/compile-cache \
    WORKER_HEALTH_PORT=8031
USER 1001:1001
EXPOSE 8030 8031
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 CMD ["node", "dist/main.js", "status"]
# Node is process 1 and handles SIGTERM itself. What follows the image's name is a command line of payment-sim:
# `docker run … payment-sim worker`.
ENTRYPOINT ["node", "dist/main.js"]
CMD ["start"]
