#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Strangers and false neighbours. First a neighbour that breaks the protocol in
# every way (net/hostile.c), on this host's loopback. Then, over
#
#   +--------+   ring   +--------+        +--------+
#   | host 1 |<========>| host 2 |<-------| host 3 |  crowd: not on the ring
#   +--------+          +--------+        +--------+
#
# strangers of every sort at the listener of host 2, while messages flow between
# 1 and 2 and their links are cut: the real neighbour has to get in.
#
#   net-hostile.sh [FUZZ_SECONDS [SEED]]

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=net/common.sh
. "$here/net/common.sh"
# shellcheck source=memory.sh
. "$here/memory.sh"
crowd=$net_dir/crowd
seconds=${1:-15} seed=${2:-$RANDOM}
messages=800	# of each host, slowly until the last cut

stat_2() { of_ring 2 host "$1"; }
sockets() { on 2 ss -Htan 'sport = :7000' | wc -l; }
few_sockets() { [ "$(sockets)" -le 3 ]; }

memory_is_back() {
	free_now=$(free_kb)
	[ $((free - free_now)) -le "$free_noise" ]
}

# among ARGS…: host 3 sends a crowd; meanwhile messages flow and the links are reset three times
among() {
	local i start took before
	rm -f "$tmp/host.go"
	before=$(of_ring 1 host messages)
	for i in 1 2; do
		receiver $i "recv$i" -s 2 -c "$messages" -t $((30 * slower)) host
	done
	member 3 "crowd" "$crowd" "$@"
	for i in 1 2; do
		sender $i "send$i" -s $((i - 1)) -c "$messages" -l 512 -u $((80000 * slower)) -g "$tmp/host" host
	done
	for i in 1 2 3; do
		sleep 1
		reset_link 1 2
		start=$(ms_now)
		sleep 0.1
		succeeds ring_closed host 2
		took=$(($(ms_now) - start))
		[ $took -le $((20000 * slower)) ] || bad "the ring was closed again only after $took ms"
		note "closed again after $took ms"
	done
	go_on host $(($(of_ring 1 host messages) - before)) $((2 * messages))
	ended send1 send2 recv1 recv2 crowd
	for i in 1 2; do
		matches "host $i" "received $((2 * messages)) lost 0 doubled 0 reordered 0 damaged 0 foreign 0 dropped 0 " "$(result "recv$i")"
	done
	note "$(result crowd)"
	until_true 15 few_sockets || bad "$(sockets) sockets are left: $(on 2 ss -Htan 'sport = :7000' | head -n 3)"
}

plan 6
must [ -x "$net_dir/hostile" -a -x "$crowd" ]
note "seed $seed"
ip link set lo up
# a test within a test: its lines go in by two
"$net_dir/hostile" -f "$seconds" -r "$seed" | sed -u 's/^/  /'
[ "${PIPESTATUS[0]}" = 0 ] || bad 'see above'
verdict 'a neighbour that breaks the protocol'

# the hosts and their rings are not there yet, and will be gone again
free=$(free_kb)
must hosts_start 3
must ring_up host 2 dead 400 log 256K slow block
mem=$(stat_2 mem_ring) errors=$(stat_2 link_errors)
among noise 10.9.0.2 7000 "$seed" 6
[ "$(stat_2 link_errors)" -gt "$errors" ] || bad "link_errors stays at $errors"
note "link_errors $errors, then $(stat_2 link_errors)"
verdict 'random bytes, one connection after the other'

among loris 10.9.0.2 7000 64 8
matches 'the crowd' 'closed [1-9]' "$(result crowd)"
verdict '64 connections at any time, one byte a second each'

among many 10.9.0.2 7000 1000
verdict '1,000 connections at once'

# from the neighbour's own address, which are turned away last
member 1 crowd1 "$crowd" loris 10.9.0.2 7000 32 6
among loris 10.9.0.2 7000 32 6
ended crowd1
verdict 'the same from the address of the real neighbour'

# what one body may have left is of no account
[ "$(stat_2 mem_ring)" -le $((mem + 8192)) ] || bad "the ring grew from $mem to $(stat_2 mem_ring) bytes"
is_closed 2 host
everything_gone
# on a busy machine the kernel takes its time to end namespaces and connections
until_true 60 memory_is_back || bad "free memory fell from $free to $free_now kB"
note "free memory: $free kB before, $free_now kB after"
verdict 'memory and sockets are back'
finish
