#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Plants one fault at a time into a copy of the protocol core and demands that a program
# notices it: mutants.sh DIR COMMAND…. DIR/Makefile builds it (CORE=, OUT=), the command runs it
# in OUT, and DIR/mutants.list has the faults, a line each: a file of the core, a sed
# expression, what it does. One that changes nothing fails too, so that the list keeps up
# with the sources. To run for 90 s of CPU time, where without a fault it is a few, is to
# be noticed.

dir=$1
shift
cd "$(dirname "$0")" || exit 1
core=../kmod/core
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0
n=0
last=

# Build with one file changed, run, and be glad of a failure.
try() {
	file=$1 expr=$2 what=$3
	shift 3
	n=$((n + 1))
	rm -rf "$tmp/core"
	cp -rp "$core" "$tmp/core"
	sed "$expr" "$core/$file" >"$tmp/core/$file"
	if cmp -s "$core/$file" "$tmp/core/$file"; then
		echo "# the fault is not in $file any more: $expr"
	elif ! build; then
		echo "# does not build: $expr"
	elif ! (cd "$tmp" && ulimit -t 90 && exec "$@") >"$tmp/out" 2>&1; then
		echo "ok $n found: $what"
		return
	fi
	echo "not ok $n not found: $what"
	failed=$((failed + 1))
}

build() {
	make -s -C "$dir" CORE="$tmp/core" OUT="$tmp" CFLAGS="-O1 -w" >"$tmp/make" 2>&1
}

echo "KTAP version 1"
echo "1..$(wc -l <"$dir/mutants.list")"
while IFS= read -r line; do
	what=${line##*|}
	rest=${line%|*}
	# what the last fault was built into, and what this one is to be built into
	case $last${rest%%|*} in
	*.h*)	rm -f "$tmp"/*.o ;;
	*)	rm -f "$tmp/core-${last%.c}.o" ;;
	esac
	last=${rest%%|*}
	rm -f "$tmp/core-${last%.c}.o"
	try "${rest%%|*}" "${rest#*|}" "$what" "$@" </dev/null
done <"$dir/mutants.list"
echo "# Totals: pass:$((n - failed)) fail:$failed xfail:0 xpass:0 skip:0 error:0"
[ "$failed" -eq 0 ]
