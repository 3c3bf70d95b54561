# syntax=docker/dockerfile:1
FROM rust:1-bookworm AS builder
WORKDIR /build
COPY . .
# The caches outlive the build, so that only what changed is compiled; the binary must leave them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin casebridge \
    && cp target/release/casebridge /casebridge

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin casebridge \
    && install -d -m 0700 -o casebridge -g casebridge /data
COPY --from=builder /casebridge /usr/local/bin/casebridge
USER casebridge
WORKDIR /data
# The generated secret key is kept here, unless CASEBRIDGE_SECRET_KEY is set.
VOLUME /data
ENV CASEBRIDGE_LISTEN=0.0.0.0:8080 CASEBRIDGE_DATA_DIR=/data
EXPOSE 8080
# bash opens the connection itself, so the image needs no HTTP client.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["casebridge"]
CMD ["serve"]
