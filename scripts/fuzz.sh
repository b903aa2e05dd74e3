#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Fuzz the parsers of outside bytes with libFuzzer, under ASan and UBSan.
#
#	scripts/fuzz.sh [NAME]		(TIME=SECONDS for each, default 60)
#
# Inputs that reach new code are kept in build-fuzz/corpus/NAME, crashes beside them; what a crash
# teaches goes into tests/fuzz/corpus/NAME, by hand and small.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build}-fuzz

scripts/deps.sh build
clang=$(scripts/deps.sh --clang)
if [ ! -e "$build/build.ninja" ]; then
	CC=$clang meson setup "$build" -Dfuzz=true -Db_lundef=false \
		-Db_sanitize=address,undefined -Dc_args=-fsanitize=fuzzer-no-link
fi
names=("$@")
[ ${#names[@]} -gt 0 ] || mapfile -t names < <(ls tests/fuzz/corpus)
ninja -C "$build" "${names[@]/#/tests/fuzz_}"
for n in "${names[@]}"; do
	mkdir -p "$build/corpus/$n"
	echo "fuzz: $n, ${TIME:-60} s"
	if ! "$build/tests/fuzz_$n" -max_total_time="${TIME:-60}" -timeout=10 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$build/corpus/$n-" \
		"$build/corpus/$n" "tests/fuzz/corpus/$n" >"$build/corpus/$n.log" 2>&1; then
		tail -n 40 "$build/corpus/$n.log"
		echo "fuzz: $n failed; the input is $build/corpus/$n-*" >&2
		exit 1
	fi
	grep -E 'DONE|exec_per_sec' "$build/corpus/$n.log"
done
