#!/usr/bin/env bash
# What building costs: a clean release build, and a rebuild in the development profile after a line
# of one service crate has changed (three rounds). Works in a clone of the last commit with a target
# folder of its own, and removes both.
#
#     bench/build.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git clone --quiet . "$folder/cumulet"
cd "$folder/cumulet"
export CARGO_TARGET_DIR="$folder/target"
cargo fetch --locked --quiet

# Prints how many seconds a command takes, after the words that say what it is.
taken() {
    local words=$1 begun=$EPOCHREALTIME
    shift
    "$@"
    awk -v words="$words" -v begun="$begun" -v ended="$EPOCHREALTIME" \
        'BEGIN { printf "%-56s %8.1f s\n", words, ended - begun }'
}

echo "$(nproc) cores"
taken "clean release build" cargo build --release --locked --quiet
cargo build --locked --quiet
for round in 1 2 3; do
    echo "const _: u32 = $round;" >>crates/s3/src/ops/get_object.rs
    taken "development build after a changed line in crates/s3" cargo build --locked --quiet
done
