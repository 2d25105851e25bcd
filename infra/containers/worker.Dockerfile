# The worker and the client. Debian, not Alpine: Temporal's native core is built against glibc.
ARG NODE=24-bookworm-slim

FROM node:${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# Temporal's core contains every platform. The image keeps only its own.
RUN npm run build \
  && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
    ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -rf {} +

FROM node:${NODE}
ARG GIT_COMMIT=
ENV NODE_ENV=production RETRAIN_HEALTH_PORT=7300 GIT_COMMIT=${GIT_COMMIT} RETRAIN_WORK_DIR=/var/lib/retrain
# With these settings, glibc returns the freed memory of large tables and trees to the system. Without them much of it stays in use.
ENV MALLOC_MMAP_THRESHOLD_=262144 MALLOC_TRIM_THRESHOLD_=262144
WORKDIR /app
COPY --from=build --chown=root:root /app/package.json /app/params.yaml ./
COPY --from=build --chown=root:root /app/node_modules ./node_modules
COPY --from=build --chown=root:root /app/dist ./dist
# The only place that the worker writes to: temporary files as large as the data, and its cache.
RUN install --directory --owner=node --group=node /var/lib/retrain
VOLUME /var/lib/retrain
USER node
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.RETRAIN_HEALTH_PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/worker.js"]
