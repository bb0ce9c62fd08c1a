#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Load, use, unload, again and again: nothing is left behind. KTAP; as root, in a
# guest, in the repository, with the module not loaded.
#
#   ns a: 10.8.0.1 ---veth--- ns b: 10.8.0.2     made once
#   insmod -> rings, members, messages, a ring over a and b -> rmmod     x 100
#   meminfo, slabinfo, threads before = after
#
#   module-load.sh [TIMES]      DMRING_MODULE=FILE for another module

set -u
export LC_ALL=C
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
times=${1:-${DMRING_LOADS:-100}}
use=selftests/use-module
module=${DMRING_MODULE:-kmod/dmring.ko}
a=/run/netns/dmring-a b=/run/netns/dmring-b
number=0 failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# shellcheck source=memory.sh
. selftests/memory.sh

verdict() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number $2"
	else
		failed=$((failed + 1))
		[ ! -s "$tmp/out" ] || sed 's/^/# /' "$tmp/out"
		echo "not ok $number $2"
	fi
	: >"$tmp/out"
}

is_loaded() { [ -d /sys/module/dmring ]; }

load() { insmod $module; }

# Grace periods and work queues may hold the last of it for a moment
unload() {
	local i
	for i in 1 2 3 4 5; do
		rmmod dmring 2>"$tmp/rmmod" && return
		sleep 0.2
	done
	cat "$tmp/rmmod"
	return 1
}

cycle() {
	local how=run
	[ $(($1 % 3)) != 0 ] || how=leave
	load && $use $how $a $b && unload
}

cycles() {
	local i
	for ((i = 0; i < $1; i++)); do
		cycle "$i" >>"$tmp/out" 2>&1 || { echo "cycle $i" >>"$tmp/out"; return 1; }
	done
}

# A leak on purpose: members are held, and must be seen
seen_while_held() {
	local status line
	coproc HOLD { exec $use hold "$1" 2>&1; }
	read -r line <&"${HOLD[0]}"
	[ "$line" = held ] || { echo "# $line"; return 1; }
	! compare "$2" "$(measure)"
	status=$?
	eval "exec ${HOLD[1]}>&-"
	# shellcheck disable=SC2153 # set by coproc
	wait "$HOLD_PID" && return $status
}

refuses_to_go() { ! rmmod dmring 2>"$tmp/out" && is_loaded && grep -q 'in use' "$tmp/out"; }

stays_while_kept() {
	local status=0 line
	coproc KEEP { exec $use keep 2>&1; }
	read -r line <&"${KEEP[0]}" && [ "$line" = attached ] && refuses_to_go || status=1
	echo >&"${KEEP[1]}"
	read -r line <&"${KEEP[0]}" && [ "$line" = mapped ] && refuses_to_go || status=1
	eval "exec ${KEEP[1]}>&-"
	# shellcheck disable=SC2153 # set by coproc
	wait "$KEEP_PID" && return $status
}

echo "KTAP version 1"
echo "1..9"

if is_loaded; then
	echo "Bail out! the module is loaded"
	exit 1
fi
for ns in a b; do
	ip netns add dmring-$ns && ip -n dmring-$ns link set lo up
done
ip link add va netns dmring-a type veth peer name vb netns dmring-b &&
	ip -n dmring-a addr add 10.8.0.1/24 dev va && ip -n dmring-b addr add 10.8.0.2/24 dev vb &&
	ip -n dmring-a link set va up && ip -n dmring-b link set vb up || {
	echo "Bail out! no namespaces"
	exit 1
}

cycles 6
verdict $? "load, use and unload"

load && [ -c /dev/dmring ] && exec 9<>/dev/dmring
refuses_to_go
verdict $? "not unloaded while a descriptor is open"
exec 9>&-
stays_while_kept
verdict $? "nor while there is a member, or memory that is mapped"
unload && ! is_loaded && [ ! -e /dev/dmring ]
verdict $? "unloaded when it is closed"

first=$(measure)
start=$SECONDS
cycles "$times"
verdict $? "load, use and unload $times times"
echo "# $((SECONDS - start)) s"
comes_back "$first" >"$tmp/measured"
status=$?
cat "$tmp/measured"
verdict $status "memory and threads are what they were"

# Would it have been seen?
load
loaded=$(measure)
seen_while_held 100 "$loaded" >"$tmp/measured"
status=$?
cat "$tmp/measured"
verdict $status "100 members that are not freed would be seen"
comes_back "$loaded" >"$tmp/measured"
status=$?
cat "$tmp/measured"
verdict $status "100 members that are freed leave nothing"
unload
verdict $? "unloaded at the end"
[ $failed -eq 0 ]
