#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Run the tests and count them.
#
#	scripts/check.sh [unit] [asan] [lint] [e2e] [vm]
#
# Without arguments all of them. Each suite writes TAP to build/check/SUITE.tap; what failed is
# shown at once, with its output. The last line is "N passed, N failed, N skipped". Fails if a test
# failed, or was skipped without being on the list tests/known-skips, or if more than $unsteady_limit
# of the end-to-end tests failed and then passed when they were run once more (tests/bats/run.sh).
set -uo pipefail
cd "$(dirname "$0")/.." || exit
top=$PWD
build=${BUILD:-build}
out=$top/$build/check
jobs=${JOBS:-$(nproc)}

# Seconds that a suite may take. The last has what the others leave of .ci/run's 25 minutes.
declare -A limit=([unit]=180 [asan]=210 [lint]=40 [e2e]=700 [vm]=1000)
all_limit=1475
unsteady_limit=3

say() { printf '%s\n' "$*" >&2; }

# Results of `meson test` as TAP: cmocka's programs one line a test, others one line a program.
meson_tap() {
	jq -r '"@ \(.name) \(.result)", ((.stdout // "") + "\n" + (.stderr // ""))' "$1" | awk '
	function close_program() {
		if (prog == "") return
		if (res == "SKIP") print "ok - " prog " # skip"
		else if (res != "OK" && bad == "") bad = "not ok - " prog ": " res "\n"
		else if (res == "OK" && !seen) print "ok - " prog
		if (bad != "") printf "%s%s", bad, text
	}
	/^@ / { close_program(); prog = $2; sub(/.*:/, "", prog); res = $NF; seen = 0; bad = text = ""; next }
	/^\[       OK \] / { seen = 1; print "ok - " prog ": " $4; next }
	/^\[  SKIPPED \] [^0-9]/ { seen = 1; if (!($4 in s)) print "ok - " prog ": " $4 " # skip"; s[$4] = 1; next }
	/^\[  FAILED  \] [^0-9]/ { if (!((prog, $4) in f)) bad = bad "not ok - " prog ": " $4 "\n"; f[prog, $4] = 1; next }
	/^\[(==| RUN|  PASSED|  FAILED)/ { next }
	{ if ($0 != "") text = text "# " $0 "\n" }
	END { close_program() }'
}

meson_suite() {	# BUILD_DIR [MESON_SETUP_ARGS...]
	local dir=$1
	shift
	{ [ -e "$dir/build.ninja" ] || meson setup "$dir" "$@"; } >&2 &&
		ninja -C "$dir" -j "$jobs" >&2 || { echo "not ok - build of $dir"; return; }
	meson test -C "$dir" --no-rebuild --num-processes "$jobs" --quiet >&2
	meson_tap "$dir/meson-logs/testlog.json"
}

suite_unit() { meson_suite "$build"; }

suite_asan() {
	export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	# To compile takes longer than to run: with less optimization and line numbers alone, two thirds of it.
	meson_suite "$build-asan" -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 -Ddebug=false -Dc_args=-g1
}

suite_lint() {
	local f
	while read -r f; do
		if shellcheck -x -S warning "$f"; then
			echo "ok - shellcheck $f"
		else
			echo "not ok - shellcheck $f"
		fi
	done < <(git ls-files 2>/dev/null | xargs grep -lE '^#!.*(bash|/sh)$')
	while read -r f; do
		if head -3 "$f" | grep -q SPDX-License-Identifier; then
			continue
		fi
		echo "not ok - SPDX line in $f"
	done < <(git ls-files '*.c' '*.h' '*.sh' '*.bats' '*.bash' 2>/dev/null)
	echo "ok - SPDX lines looked for"
	# bats takes no notice of a negated command that succeeds.
	if grep -nE '^[[:space:]]*! [^|]*$' tests/bats/*.bats >&2; then
		echo "not ok - a test that cannot fail: ! without ||"
	else
		echo "ok - no test with ! that cannot fail"
	fi
}

suite_e2e() {
	ninja -C "$build" -j "$jobs" >&2 || { echo "not ok - build"; return; }
	PORTHOLE_BUILD=$top/$build tests/bats/run.sh
}

suite_vm() { PORTHOLE_BUILD=$top/$build PH_VM_LIMIT=$((limit[vm] - 30)) tests/vm/run.sh; }

# known SUITE "NAME": is that skip on the list?
known() {
	local s pattern _
	while IFS='|' read -r s pattern _; do
		[[ -n $s && $s != \#* && $1 == "${s// /}" ]] || continue
		read -r pattern <<<"$pattern"
		# shellcheck disable=SC2053  # the right side is a pattern
		[[ $2 == $pattern ]] && return
	done <tests/known-skips
	return 1
}

passed=0 failed=0 skipped=0 unknown=0 unsteady=0

run_suite() {
	local suite=$1 tap=$out/$1.tap log=$out/$1.log t0=$SECONDS rc p f s name plan ran
	# The suite's own shell, so that a hanging one can be ended with all that it started.
	[ $((all_limit - SECONDS)) -ge "${limit[$suite]}" ] || limit[$suite]=$((all_limit - SECONDS))
	timeout -k 20 "${limit[$suite]}" "$0" --suite "$suite" "${limit[$suite]}" >"$tap" 2>"$log" </dev/null
	rc=$?
	if [ $rc = 124 ] || [ $rc = 137 ]; then
		echo "not ok - $suite: stopped after ${limit[$suite]} s" >>"$tap"
	elif ! grep -qE '^(not )?ok' "$tap"; then
		echo "not ok - $suite: no test ran (exit $rc)" >>"$tap"
	fi
	p=$(grep -E '^ok' "$tap" | grep -ciEv '# skip')
	s=$(grep -ciE '^ok.*# skip' "$tap")
	f=$(grep -cE '^not ok' "$tap")
	# A plan that promised more results than came: the rest died without a word.
	plan=$(awk -F'\\.\\.' '/^1\.\.[0-9]+/ { n += $2 } END { print n + 0 }' "$tap")
	ran=$((p + s + f))
	if [ "$plan" -gt "$ran" ]; then
		echo "not ok - $suite: $((plan - ran)) planned tests gave no result" >>"$tap"
		f=$((f + 1))
	fi
	while read -r name; do
		name=$(sed -E 's/^ok ([0-9]+ )?(- )?//; s/ *# skip.*//I' <<<"$name")
		if ! known "$suite" "$name"; then
			say "  skipped, and not in tests/known-skips: $suite | $name"
			unknown=$((unknown + 1))
		fi
	done < <(grep -iE '^ok.*# skip' "$tap")
	if grep -q '^# unsteady: ' "$tap"; then
		sed -n 's/^# unsteady: /  failed, and passed when it was run again: /p; s/^# at first: #/    #/p' "$tap" >&2
		unsteady=$((unsteady + $(grep -c '^# unsteady: ' "$tap")))
	fi
	if [ "$f" -gt 0 ]; then
		awk '/^not ok/ { print "  " $0; on = 1; next } /^ok|^1\.\./ { on = 0 } on { print "    " $0 }' \
			"$tap" | head -200 >&2
		say "  (log: ${log#"$top"/}; its end:)"
		tail -n 15 "$log" | sed 's/^/    | /' >&2
	fi
	printf '%-6s %5d passed %4d failed %4d skipped %5d s\n' "$suite" "$p" "$f" "$s" $((SECONDS - t0))
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

if [ "${1:-}" = --suite ]; then
	limit[$2]=$3
	"suite_$2"
	exit
fi

suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=(unit asan lint e2e vm)
for s in "${suites[@]}"; do
	[ -n "${limit[$s]:-}" ] || { sed -n '4,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
done
scripts/deps.sh build check || say "check: some requirements are missing: tests that need them fail"
mkdir -p "$out"
for s in "${suites[@]}"; do
	run_suite "$s"
done
[ $unknown = 0 ] || echo "$unknown skipped without being on the list of known ones (tests/known-skips)"
[ $unsteady -le $unsteady_limit ] || echo "$unsteady failed and passed when they were run again: more than $unsteady_limit are a fault"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] && [ $unknown = 0 ] && [ $unsteady -le $unsteady_limit ]
