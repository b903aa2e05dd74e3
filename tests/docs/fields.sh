#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each field of each event is looked at by an end-to-end test: it is in a table that a test hands to
# one, some, every or same (tests/bats/cause.bash). Events that nothing here can cause are on the
# list tests/known-skips, as "fields | EVENT | why".
#
#	fields.sh TOP_OF_SOURCE
set -uo pipefail
cd "$1" || exit
export LC_ALL=C

# "EVENT FIELD" of the list of events; "EVENT -" of one that has no fields.
known() {
	sed 's/"[^"]*"//g' src/event/events.def |
		grep -oE 'PH_EVENT\([0-9]+, [a-z0-9_]+|\<F\([a-z0-9]+, [a-z0-9_]+' |
		awk '/^PH_EVENT/ { if (event && !n) print event, "-"; event = $2; n = 0; next }
		     event { print event, $2; n++ }
		     END { if (!n) print event, "-" }' | sort
}

# The same of the tests; a field may stand there by its name (x_name for x).
looked_at() {
	awk '
	FNR == 1 { on = 0 }
	!on && $1 ~ /^(one|some|every|same)$/ { n = split($2, event, ","); on = 1 }
	on == 1 { if (/<<-END( |$)/) on = 2; next }
	on == 2 && $1 == "END" { on = 0; for (i = 1; i <= n; i++) print event[i], "-" }
	on == 2 {
		field = base = $1
		sub(/_name$/, "", base)
		for (i = 1; i <= n; i++) {
			print event[i], field
			print event[i], base
		}
	}' tests/bats/*.bats | sort -u
}

known=$(known) looked_at=$(looked_at)
excused=$(sed -nE 's/^fields \| ([a-z0-9_]+) \|.*/\1/p' tests/known-skips)
[ -n "$known" ] || { echo "src/event/events.def has no events"; exit 1; }
missing=$(comm -23 <(echo "$known") <(echo "$looked_at") | grep -vEf <(sed 's/.*/^& /' <<<"$excused"))
[ -z "$missing" ] || { echo "asserted by no test of tests/bats:"; echo "$missing"; exit 1; }

# Who is excused must be an event, and not be tested after all.
failed=0
for event in $excused; do
	[[ $'\n'$known == *$'\n'"$event "* ]] || { echo "tests/known-skips: there is no event $event"; failed=1; }
	[[ $'\n'$looked_at != *$'\n'"$event "* ]] || { echo "tests/known-skips: $event has a test"; failed=1; }
done
exit $failed
