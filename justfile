# The tasks of this repository: `just` lists them.

_default:
    @just --list

# Everything that a change must pass; CI runs the same
check: format-check lint doc test test-postgres deny

# Format the code
fmt:
    cargo fmt --all

# Fail where the code is not formatted
format-check:
    cargo fmt --all --check

# All lints, as errors
lint:
    cargo clippy --locked --workspace --all-targets -- --deny warnings

# The documentation of the code, warnings as errors
doc:
    RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps --document-private-items

# All tests
test *args:
    cargo test --locked --workspace {{ args }}

# The integration tests against a PostgreSQL that is started for them, with those that need one
test-postgres *args:
    .ci/postgres cargo test --locked --test it {{ args }} -- --include-ignored

# Licences, sources and duplicates of the dependencies
deny:
    cargo deny --locked check bans licenses sources

# Known vulnerabilities of the dependencies; fetches the RustSec database from GitHub
advisories:
    cargo deny --locked check advisories

# Serve with the optimised build
run *args:
    cargo run --locked --release -- {{ args }}

# Post the sample message to a running ROMS
sample:
    cargo run --locked --release -- send-sample

# ROMS against a Discord of its own, without an account; Ctrl-C ends it
demo:
    cargo run --locked --release --example demo

# The server under load beside what bounds it; `just bench --quick` is short; needs wrk
bench *args:
    cargo bench --locked --bench server -- {{ args }}

# The same with PostgreSQL beside SQLite
bench-postgres *args:
    MEASURED=1 .ci/postgres cargo bench --locked --bench server -- {{ args }}

# Reading and writing at a million orders, on SQLite and then on PostgreSQL
bench-reads:
    cargo bench --locked --bench reads
    MEASURED=1 .ci/postgres sh -c 'ROMS_BENCH_DATABASE="$TEST_DATABASE_URL" cargo bench --locked --bench reads'

# Reading a card, in microseconds, and cards from Discord, in cards per second
bench-reading:
    cargo bench --locked --bench reading
    cargo bench --locked --bench discord

# Ten times the senders that keep ROMS at work: what is accepted, refused and needed of memory; 80 s
overload:
    cargo bench --locked --bench overload

# Look for what breaks the reading of cards: flatten, embeds, parse or slow, for so many seconds
fuzz target="parse" seconds="300":
    mkdir -p fuzz/corpus/{{ target }}
    RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none {{ target }} fuzz/corpus/{{ target }} tests/fixtures/cards -- \
        -dict=fuzz/cards.dict -max_total_time={{ seconds }} -timeout={{ if target == "slow" { "3" } else { "10" } }}
