#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The folders of src/ are those of ARCHITECTURE.md, and each includes only from those above it there.
#
#	layers.sh TOP_OF_SOURCE
set -uo pipefail
cd "$1" || exit
failed=0 above=' '

bad() {
	echo "$*"
	failed=1
}

# Names of the table "| `base/` | …", in its order; a row may have two.
folders=$(sed -n '/^## Folders/,/^## /p' ARCHITECTURE.md | sed -n 's/^| \(`[^|]*\) |.*/\1/p' | grep -oE '[a-z]+')
[ -n "$folders" ] || bad "ARCHITECTURE.md has no table of folders"
for f in $folders; do
	[ -d "src/$f" ] || bad "ARCHITECTURE.md names src/$f, which is not there"
	above+="$f "
	while IFS=: read -r file include; do
		used=${include#*\"}
		used=${used%%/*}
		# The one who includes from src/ names a folder; what has none is beside the file.
		if [ -d "src/$used" ] && [[ $above != *" $used "* ]]; then
			bad "$file uses $used/, which stands below $f/ in ARCHITECTURE.md: $include"
		fi
	done < <(grep -rE '^#include "[a-z]+/' --include='*.[ch]' "src/$f")
done
for d in src/*/; do
	d=$(basename "$d")
	[[ $above == *" $d "* ]] || bad "src/$d is not in the table of ARCHITECTURE.md"
done
exit $failed
