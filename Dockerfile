# Takeoff for CPUs, and for GPUs by Vulkan where the driver is mounted. docs/container.md says how it is run.
FROM node:22-slim AS build
WORKDIR /app
# What npm needs comes first, so that a change of the sources alone downloads nothing anew.
COPY package.json package-lock.json .npmrc ./
COPY wire/package.json wire/
COPY client/package.json client/
COPY server/package.json server/
COPY playground/package.json playground/
RUN npm ci
COPY . .
RUN npm run build
# Before the packages for development go: npm would miss those of the page's workspace afterwards.
RUN npm run --silent sbom > sbom.cdx.json
RUN npm prune --omit=dev

FROM node:22-slim
ENV NODE_ENV=production TAKEOFF_HOST=0.0.0.0 TAKEOFF_REPOSITORY_PATH=/code/models
WORKDIR /app
# Not below /app: what the server runs belongs to root and cannot be changed by it.
RUN mkdir -p /code/models && chown node:node /code /code/models
COPY --from=build /app/package.json /app/LICENSE /app/sbom.cdx.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/wire wire
COPY --from=build /app/client client
COPY --from=build /app/server server
COPY --from=build /app/playground playground
COPY --from=build /app/kernels/prebuilt kernels/prebuilt
COPY --from=build /app/models models
COPY --from=build /app/deploy/container deploy/container
USER node
VOLUME ["/code/models"]
EXPOSE 3000 3001 3003
HEALTHCHECK --interval=10s --timeout=5s --start-period=10m CMD ["node", "/app/deploy/container/healthcheck.js"]
ENTRYPOINT ["node", "/app/deploy/container/entrypoint.js"]
