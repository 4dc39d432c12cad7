# The tasks of this repository: `just` lists them.

_default:
    @just --list

# Everything that a change must pass; the same as in CI
check: format-check lint doc test test-postgres test-failover outside deny

# Format the code
fmt:
    cargo fmt --all

# Fail if the code is not formatted
format-check:
    cargo fmt --all --check

# Run all lints; warnings are errors
lint:
    cargo clippy --locked --workspace --all-targets -- --deny warnings

# Build the code documentation; warnings are errors
doc:
    RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps --document-private-items

# Run all tests
test *args:
    cargo test --locked --workspace {{ args }}

# Run the integration tests on a temporary PostgreSQL server, with the tests that need one
test-postgres *args:
    .ci/postgres cargo test --locked --test it {{ args }} -- --include-ignored --skip failover::

# Run the tests of failovers. They measure times, so no other test runs beside them
test-failover:
    .ci/postgres cargo test --locked --test it failover:: -- --include-ignored --test-threads=1

# Follow the users' guide from outside, behind nginx and Caddy, and send generated requests to every route
outside:
    cargo build --locked --bin roms
    .ci/outside tests/outside/guide.py
    .ci/outside tests/outside/api.py

# Check the licences, sources and banned crates of the dependencies
deny:
    cargo deny --locked check bans licenses sources

# Fetch the scripts of others from npm, and fail if a file differs; `just vendor --update` replaces the files
vendor mode="--check":
    #!/usr/bin/env bash
    set -euo pipefail
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    fetch() { (cd "$folder" && npm pack --silent "$1" >/dev/null && mkdir "$2" && tar xzf "$2"-*.tgz -C "$2" --strip-components 1); }
    fetch htmx.org@4.0.1 htmx.org
    fetch axe-core@4.14.1 axe-core
    while read -r published ours; do
        if [ "{{ mode }}" = --update ]; then cp "$folder/$published" "$ours"; else cmp "$folder/$published" "$ours"; fi
    done <<'FILES'
    htmx.org/LICENSE assets/vendor/LICENSE-htmx
    htmx.org/dist/htmx.min.js assets/vendor/htmx.min.js
    htmx.org/dist/ext/hx-sse.min.js assets/vendor/hx-sse.min.js
    htmx.org/dist/ext/hx-upsert.min.js assets/vendor/hx-upsert.min.js
    axe-core/LICENSE tests/fixtures/axe/LICENSE
    axe-core/axe.min.js tests/fixtures/axe/axe.min.js
    FILES
    sums() { sha256sum assets/vendor/LICENSE-htmx assets/vendor/*.js tests/fixtures/axe/*; }
    if [ "{{ mode }}" = --update ]; then sums > assets/vendor/SHA256SUMS; else sums | cmp - assets/vendor/SHA256SUMS; fi
    echo "The vendored files are as npm publishes them."

# Check the dependencies for known vulnerabilities; needs GitHub
advisories:
    cargo deny --locked check advisories

# Run ROMS, optimised
run *args:
    cargo run --locked --release -- {{ args }}

# Post the sample message to a running ROMS
sample:
    cargo run --locked --release -- send-sample

# Build what a release ships into target/dist: static binaries for both processors, archives, Debian packages
dist *targets:
    .ci/dist {{ targets }}

# Build the container images from what `just dist` built
image *targets:
    .ci/image {{ targets }}

# Test what `just dist` built on a clean Debian, also as a service of systemd; needs root
test-packages:
    .ci/packages
    .ci/service

# Build everything twice and compare the checksums
test-reproducible:
    .ci/dist && cp target/dist/SHA256SUMS target/first-SHA256SUMS
    cargo clean --release --target x86_64-unknown-linux-musl && cargo clean --release --target aarch64-unknown-linux-musl
    .ci/dist && diff target/first-SHA256SUMS target/dist/SHA256SUMS

# Check the files for systemd, Docker Compose and GitHub
check-deploy:
    .ci/check-deploy

# Show ROMS at work with made-up orders, without an account; Ctrl-C stops it
demo:
    cargo run --locked --release -- demo

# The same with a simulated Discord; builds most libraries again, with the features that the tests need
demo-discord:
    cargo run --locked --release --example demo

# Measure the HTTP server next to its upper bounds; needs wrk; `just bench --quick` is shorter
bench *args:
    cargo bench --locked --bench server -- {{ args }}

# The same as `bench`, with PostgreSQL as well
bench-postgres *args:
    DURABLE=1 .ci/postgres cargo bench --locked --bench server -- {{ args }}

# Measure reading and writing with a million orders, on SQLite and PostgreSQL
bench-reads:
    cargo bench --locked --bench reads
    DURABLE=1 .ci/postgres sh -c 'ROMS_BENCH_DATABASE="$TEST_DATABASE_URL" cargo bench --locked --bench reads'

# Measure reading one card, and cards per second from Discord
bench-reading:
    cargo bench --locked --bench reading
    cargo bench --locked --bench discord

# Measure live updates: 1,000 clients at 200 orders a second
bench-live *args:
    cargo bench --locked --bench live -- {{ args }}

# Measure ROMS with many more senders than it can serve; 80 s
overload:
    cargo bench --locked --bench overload

# Fuzz the reading of cards; the targets are flatten, embeds, parse and slow
fuzz target="parse" seconds="300":
    mkdir -p fuzz/corpus/{{ target }}
    RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none {{ target }} fuzz/corpus/{{ target }} tests/fixtures/cards -- \
        -dict=fuzz/cards.dict -max_total_time={{ seconds }} -timeout={{ if target == "slow" { "3" } else { "10" } }}
