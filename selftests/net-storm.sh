#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Whoever dies, whenever: nothing that was accepted is lost, doubled, out of order
# or damaged, nothing else appears, and each term has one proxy.
#
#      host 1            host 2            host 3
#   +-----------+     +-----------+     +-----------+
#   | 2 survive |---->| 2 survive |---->| 2 survive |---.
#   | 6 workers |     | 6 workers |     | 6 workers |   |
#   +-----------+     +-----------+     +-----------+   |
#     ^  killed at random and started again, one in     |
#     '--three of them the proxy of its host------------'
#
#   net-storm.sh [KILLS [SEED]]     DMRING_KILLS=N for another number than 1,500
#
# See net/storm.c. Before that the checker is shown one planted fault of each kind.
# The ring has "slow block": no reader is ever thrown out, so that each has to see
# all, and who is not scheduled for a second in a busy guest is no fault.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=net/common.sh
. "$here/net/common.sh"
# shellcheck source=memory.sh
. "$here/memory.sh"
storm=$net_dir/storm
kills=${1:-${DMRING_KILLS:-1500}}
seed=${2:-${DMRING_SEED:-$RANDOM$RANDOM}}
plan 12

up() {
	# Under emulation a host may be silent for long without being dead.
	ring_up storm 3 log 1M slow block dead 1000 rotate 1
}

# planted KIND COUNTS: the storm must fail, and count what was planted
planted() {
	local status
	"$storm" -k 20 -r "$seed" -t 20 -p "$1" storm >"$tmp/planted"
	status=$?
	[ $status = 1 ] || bad "status $status, expected 1"
	matches "$1" "$2" "$(tail -n 2 "$tmp/planted")"
	[ -z "$test_bad" ] || sed 's/^/# /' "$tmp/planted"
	verdict "the storm notices what is planted: $1"
}

module_goes() { rmmod dmring 2>"$tmp/rmmod"; }

note "seed $seed, $kills kills"
must [ -x "$storm" ]
must hosts_start 3
must up
verdict "three hosts form a ring"
planted lost 'lost [1-9][0-9]* doubled 0 reordered 0 damaged 0 ghosts 0 terms 0 broken 0'
planted doubled 'lost 0 doubled 1 reordered 0 damaged 0 ghosts 0 terms 0 broken 0'
planted reordered 'lost 0 doubled 0 reordered 1 damaged 0 ghosts 0 terms 0 broken 0'
planted damaged 'lost [1-9][0-9]* doubled 0 reordered 0 damaged 1 ghosts 0 terms 0 broken 0'
planted tail 'lost 6 doubled 0 reordered 0 damaged 0 ghosts 0 terms 0 broken 0'
planted proxies 'lost 0 doubled 0 reordered 0 damaged 0 ghosts 0 terms [1-9][0-9]* broken 0'
planted office 'lost 0 doubled 0 reordered 0 damaged 0 ghosts 0 terms [1-9][0-9]* broken 0'

must ring_down storm 3
before=$(measure)
caches >"$tmp/before"
must up
"$storm" -k "$kills" -r "$seed" storm | tee "$tmp/storm" | grep --line-buffered '^#'
status=${PIPESTATUS[0]}
[ $status = 0 ] || bad "status $status, seed $seed"
matches storm "kills $kills .* lost 0 doubled 0 reordered 0 damaged 0 ghosts 0 terms 0 broken 0" \
	"$(result storm)"
proxies=$(sed -nE 's/.* proxies ([0-9]+) .*/\1/p' <<<"$(result storm)")
# a third of them, at random
[ "${proxies:-0}" -ge $((kills / 5)) ] || bad "only ${proxies:-none} of $kills were proxies"
verdict "$kills kills: 0 lost, 0 doubled, 0 reordered, 0 damaged, 0 terms with two proxies"
for h in 1 2 3; do
	note "host $h: $(on $h ringctl -s ring show storm | tail -n 1)"
	equal "breaches of the protocol on host $h" 0 "$(of_ring $h storm link_errors)"
	equal "evicted on host $h" 0 "$(of_ring $h storm evicted)"
done
verdict "no link broke the protocol, nobody was evicted"

must ring_down storm 3
comes_back "$before" >"$tmp/memory" || bad "memory or threads are not what they were"
cat "$tmp/memory"
caches >"$tmp/after"
note "grown: $(caches_grown "$tmp/before" "$tmp/after")"
verdict "memory and threads are what they were"
hosts_stop
until_true 10 unused || bad "the module is still in use"
until_true 10 module_goes || bad "$(cat "$tmp/rmmod")"
verdict "the module unloads"
finish
