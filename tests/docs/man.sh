#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each verb has a man page, which has each option of `porthole VERB --help` with its argument, and
# no other; and the pages are well-formed.
#
#	man.sh PORTHOLE MAN_DIR
set -uo pipefail
prog=$1 man=$2 failed=0

bad() {
	printf '%s\n' "$*"
	failed=1
}

# The questions that a verb like `why` has, and the snoops of `trace`, one a line.
questions() {
	"$prog" "$1" --help | awk '/^(Questions|Snoops):/ { on = 1; next } on && NF == 0 { exit } on { print $1 }'
}

# "-w, --write DIR", one a line; of a verb with questions those of all of them.
options_of_help() {
	local q
	{
		"$prog" "$1" --help
		for q in $(questions "$1"); do "$prog" "$1" "$q" --help; done
	} | sed -nE 's/^  (-[a-zA-Z], |    )(--[a-z0-9-]+( [^ ]+)?)( .*)?$/\1\2/p' |
		sed -E 's/^ +//' | sort -u
}

options_of_page() {
	sed -nE 's/^\.It (Fl .*)$/\1/p' "$1" |
		sed -E 's/Fl -/--/g; s/Fl ([a-zA-Z]) , /-\1, /; s/ Ar / /' | sort
}

verbs=$("$prog" --help | awk '/^Verbs:/ { on = 1; next } on && NF == 0 { exit } on { print $1 }')
[ -n "$verbs" ] || bad "porthole --help tells no verbs"
for v in $verbs; do
	[ "$v" != help ] || continue
	page=$man/porthole-$v.1
	if [ ! -e "$page" ]; then
		bad "porthole $v has no man page"
		continue
	fi
	diff -u --label "porthole $v --help" --label "porthole-$v.1" \
		<(options_of_help "$v") <(options_of_page "$page") || failed=1
	grep -q "^\.It Xr porthole-$v 1\$" "$man/porthole.1" || bad "porthole.1 does not name porthole-$v"
	# The same half-sentence in the list of verbs, in porthole.1 and in the page's head.
	"$prog" --help | grep -qF "  $(sed -n 's/^\.Nd //p' "$page")" ||
		bad "porthole-$v.1: its .Nd is not what porthole --help says"
done

# Who chooses events is told of each group of them.
for g in $("$prog" record --list | awk 'NR > 1 { print $1 }' | sort -u); do
	case $g in
	container | meta | statedump) pages=porthole-view ;;	# in every recording
	*) pages='porthole-record porthole-view'
		"$prog" record --help | grep -qw -- "$g" || bad "porthole record --help does not name the group $g" ;;
	esac
	for page in $pages; do
		grep -qE "^\.Cm (.* )?$g( |\$)" "$man/$page.1" || bad "$page.1 does not name the group $g"
	done
done

for page in "$man"/*.1; do
	grep -n '^@.*@$' "$page" && bad "$page: a part is missing"
	if command -v mandoc >/dev/null; then
		mandoc -Tlint -W warning "$page" || failed=1
	fi
	# A package-excluding configuration leaves a stub in the place of man.
	if command -v man >/dev/null && man --version >/dev/null 2>&1; then
		warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null)
		[ -z "$warnings" ] || bad "$page: $warnings"
	fi
done
exit $failed
