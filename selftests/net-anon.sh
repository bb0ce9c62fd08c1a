#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Anonymity: two senders on two hosts look the same to a receiver on the third, in all that it
# maps and in all that netlink tells who may not administrate (I6).
#
#	host 1: send --.
#	                }--> host 3: what does it see?
#	host 2: send --'
#
# The ring is made anew for each sender, so that every position is the same; the order of
# arrival, which anybody may know, is too. As a planted source serves a ring with "identify":
# there the same comparison has to find it.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=net/common.sh
. "$here/net/common.sh"
plan 4

# What netlink tells of it, without what differs from one ring to the next: random numbers, times,
# the receiver's own process
netlink_sees() {
	local what
	for what in "ring show r" "member show r" "service show r" "peer show r" "proxy show r"; do
		# shellcheck disable=SC2086
		nsenter --net=/run/netns/h3 setpriv --reuid=65534 --regid=65534 --clear-groups \
			--bounding-set=-all --inh-caps=-all "$net_root/ctl/ringctl" -j -s $what
	done | sed -E 's/"(incarnation|pid|since_ms|served_ms|mem_ring|wakes|have|stable)": ?"?[0-9a-f]+"?/"\1":0/g'
}

# seen FROM WORDS…: what host 3 sees of one message and one request of host FROM
seen() {
	local from=$1 look
	shift
	must ring_up r 3 mode 0666 "$@"
	in_host 3 "$here/net/anon" r "$tmp/areas$from"
	"${cmd[@]}" >"$tmp/said$from" & look=$!
	until_true 10 sh -c "$net_root/ctl/ringctl -n h$from service show r | grep -q look" ||
		bad "host $from does not know the service"
	# they stay until it has looked: that a member has left is told with its host
	{ echo "the same"; sleep $((4 * slower)); } | on "$from" ringctl send r &
	sleep 0.5
	{ echo "the same"; sleep $((4 * slower)); } | on "$from" ringctl send r service look &
	sleep 2
	netlink_sees >"$tmp/netlink$from"
	wait $look || bad "the receiver failed: $(cat "$tmp/said$from")"
	wait
	must ring_down r 3
}

must hosts_start 3
seen 1
seen 2
cmp "$tmp/areas1" "$tmp/areas2" >"$tmp/diff" || bad "the areas differ: $(cat "$tmp/diff")"
note "$(stat -c %s "$tmp/areas1") bytes of $(tail -n 1 "$tmp/said1") compared"
verdict "two senders on two hosts look the same in all that is mapped"
diff "$tmp/netlink1" "$tmp/netlink2" >"$tmp/diff" || bad "netlink tells: $(cat "$tmp/diff")"
note "$(wc -c <"$tmp/netlink1") bytes of netlink's answers compared"
verdict "and in all that netlink tells"
seen 1 identify
seen 2 identify
cmp -s "$tmp/areas1" "$tmp/areas2" && bad "a source that is there is not found"
equal "who sent, says the kernel" "host 1 host 2" \
	"$(grep -oh '^host [0-9]*' "$tmp/said1" | sort -u) $(grep -oh '^host [0-9]*' "$tmp/said2" | sort -u)"
verdict "with identify the kernel says who sent, and the comparison sees it"
everything_gone
verdict "nothing is left"
finish
