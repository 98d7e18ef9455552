# The binary alone on a base without a shell, as a user who is nobody.
#
#   docker build -t stator .
#   docker run --rm stator secret
#
# It is linked against glibc and not static: musl's allocator is slow under threads.

FROM rust:1.95-bookworm AS build
# The image's own toolchain; rust-toolchain.toml would fetch rustfmt and clippy as well.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin stator \
    && install -D -s target/release/stator /out/usr/local/bin/stator \
    && mkdir /out/data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/usr/local/bin/stator /usr/local/bin/stator
# A volume that is mounted here for the first time takes over whose the folder is.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /data
ENV STATOR_DATA=/data \
    STATOR_PEER=0.0.0.0:7410 \
    STATOR_HTTP=0.0.0.0:7411 \
    STATOR_RESP=0.0.0.0:7412 \
    STATOR_LOG_FORMAT=json
VOLUME ["/data"]
EXPOSE 7410 7411 7412
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/stator"]
# Off loopback it wants --name, --advertise, a secret, and --init or --join: it says so.
CMD ["serve"]
