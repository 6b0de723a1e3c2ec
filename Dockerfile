# The gateway with its two shards, on Debian.
#
#   docker build -t mcp-gateway:full .                  with Node, npx, Python and uv: shards from npm and PyPI run
#   docker build -t mcp-gateway:slim --target slim .    without them
#
# Podman and Buildah keep the health check with `--format docker` only.

ARG DEBIAN_IMAGE=debian:bookworm-slim
ARG NODE_IMAGE=node:24-bookworm-slim
ARG RUST_IMAGE=rust:1.95-slim-bookworm


FROM ${RUST_IMAGE} AS build
WORKDIR /build

# The dependencies are a layer of their own: they are built with empty sources in the place of ours, and built
# again only when a manifest or the lock file changes.
COPY Cargo.toml Cargo.lock ./
COPY bench/Cargo.toml bench/
COPY gateway/Cargo.toml gateway/
COPY shard-template/Cargo.toml shard-template/
COPY traefik-shard/Cargo.toml traefik-shard/
RUN for package in bench gateway shard-template traefik-shard; do \
        mkdir "$package/src" && echo '//! Nothing.' >"$package/src/lib.rs" \
            && printf '//! Nothing.\nfn main() {}\n' >"$package/src/main.rs" || exit 1; \
    done \
    && cargo build --release --locked --bins -p gateway -p shard-template -p traefik-shard \
    && rm -r gateway/src shard-template/src traefik-shard/src

# A file keeps the time that it has outside, which may be before the empty one was built: cargo would not see it.
COPY . .
RUN find gateway shard-template traefik-shard -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --bins -p gateway -p shard-template -p traefik-shard


FROM ${DEBIAN_IMAGE} AS uv
ARG UV_VERSION=0.13.9
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3-pip \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m pip install --no-cache-dir --no-deps --only-binary :all: --target /uv "uv==${UV_VERSION}"


FROM ${NODE_IMAGE} AS node


FROM ${DEBIAN_IMAGE} AS slim

# The state folder may be written by whatever user the container runs as; a new volume takes this over.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 1000 mcp \
    && useradd --uid 1000 --gid mcp --home-dir /state --no-create-home --shell /usr/sbin/nologin mcp \
    && install -d -o mcp -g mcp -m 1777 /state

COPY --from=build /build/target/release/mcp-gateway /build/target/release/shard-template \
    /build/target/release/traefik-shard /usr/local/bin/
COPY --chown=1000:1000 shards.d /shards.d

# Shards inherit HOME: npm and uv keep what they download below it, which the read-only root would refuse.
ENV HOME=/state \
    LANG=C.UTF-8 \
    MCP_GATEWAY_LISTEN=0.0.0.0:9100 \
    MCP_GATEWAY_SHARDS=/shards.d \
    MCP_GATEWAY_STATE_DIR=/state/gateway
WORKDIR /state
VOLUME ["/shards.d", "/state"]
EXPOSE 9100
USER 1000:1000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["mcp-gateway", "status", "--live"]
ENTRYPOINT ["mcp-gateway"]

ARG VERSION=0.1.0
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="mcp-gateway" \
    org.opencontainers.image.description="Makes many stdio MCP servers look like one" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}"


FROM slim AS full
USER 0
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=node /usr/local/bin/node /usr/local/bin/
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
    && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
COPY --from=uv /uv/bin/uv /uv/bin/uvx /usr/local/bin/
USER 1000:1000
