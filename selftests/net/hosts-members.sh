# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # variables of common.sh
#
# Members on several hosts: who is proxy, who is slow.

about[relay]='a host without members passes everything on'
t_relay() {
	must hosts_start 3
	succeeds ring_up relay 3 slow block
	receiver 1 recv1 -s 2 -c 500 -t $((30 * slower)) relay
	receiver 3 recv3 -s 2 -c 500 -t $((30 * slower)) relay
	sender 1 send1 -s 0 -c 500 relay
	sender 3 send3 -s 1 -c 500 relay
	equal 'members on host 2' 0 "$(of_ring 2 relay members)"
	ended send1 send3 recv1 recv3
	# a link that has just broken may still have some to pass on
	until_true 20 messages_at 2 relay 1000
	until_true 10 kept_nothing 2 relay
	equal 'messages on host 2' 1000 "$(of_ring 2 relay messages)"
	equal 'kept on host 2' 0 "$(of_ring 2 relay log_used)"
}

# kept_nothing HOST RING: when all have it, and that is known there
kept_nothing() { [ "$(of_ring "$1" "$2" log_used)" = 0 ]; }

# the process in office, or "null"
proxy_pid() { of_ring "$1" "$2" pid; }
proxy_is() { [ "$(proxy_pid "$1" "$2")" = "$3" ]; }

about[proxy]='the proxy is killed under traffic: the next one follows, all hosts know of the death, nothing is lost'
t_proxy() {
	local term
	must hosts_start 3
	# one that is slow is not dead
	succeeds ring_up proxy 3 dead 10000 slow block
	watch 2 proxy
	receiver 2 never -s 2 -c 3000 -t $((30 * slower)) -w proxy
	receiver 2 first -s 2 -c 3000 -t $((30 * slower)) proxy
	receiver 2 second -s 2 -c 3000 -t $((30 * slower)) proxy
	receiver 2 later -s 2 -c 3000 -t $((30 * slower)) proxy
	receiver 3 far -s 2 -c 3000 -t $((30 * slower)) -e proxy
	equal 'first proxy' "${pid[first]}" "$(proxy_pid 2 proxy)"
	term=$(of_ring 2 proxy term)
	# slowly, until the last one has been killed
	sender 1 send1 -s 0 -c 3000 -l 512 -u $((40000 * slower)) -g "$tmp/proxy" proxy
	sender 3 send3 -s 1 -c 3000 -l 512 -u $((40000 * slower)) -g "$tmp/proxy" proxy
	under_way 2 proxy 100
	kill_member KILL first
	until_true 10 proxy_is 2 proxy "${pid[second]}" || bad "proxy is $(proxy_pid 2 proxy), not ${pid[second]}"
	matches 'proxy show' "\"pid\": ?${pid[second]}\\b" "$(on 2 ringctl -j proxy show proxy)"
	equal term $((term + 1)) "$(of_ring 2 proxy term)"
	until_true 10 heard 2 "proxy member [0-9]+ pid ${pid[second]} term_reason left term $((term + 1)) duration_ms [0-9]+" || bad 'no event of the new proxy'
	until_true 10 heard 2 "member-leave .*pid ${pid[first]} reason killed" || bad 'no event of the death'
	under_way 2 proxy 200
	kill_member KILL second
	until_true 10 proxy_is 2 proxy "${pid[later]}" || bad "proxy is $(proxy_pid 2 proxy), not ${pid[later]}"
	# the last willing one: then nobody is, and the thread goes on
	kill_member KILL later
	until_true 10 proxy_is 2 proxy null || bad "proxy is $(proxy_pid 2 proxy), nobody is willing"
	go_on proxy "$(of_ring 1 proxy messages)" 6000
	ended send1 send3 never far
	matches 'the unwilling' 'received 6000 lost 0 doubled 0 reordered 0 ' "$(result never)"
	matches 'host 3' 'received 6000 lost 0 doubled 0 reordered 0 ' "$(result far)"
	# the reason is "killed"; on its own host and on the other, each of the three once
	equal 'deaths heard of on host 3' 3 "$(grep -cE 'event left node 2 arg [0-9]+ reason 3$' "$tmp/far")"
	equal 'breaks of host 2' 2 "$(of_ring 2 proxy link_ups)"
}

# booked_to HOST RING FIELD [MEMBER]: that member, or all of them added up
booked_to() {
	on "$1" ringctl -j -s member show "$2" | tr '{' '\n' |
		sed -nE "s/.*\"id\": ?${4:-[0-9]+},.*\"$3\": ?([0-9]+).*/\1/p" |
		awk '{ sum += $1 } END { print sum + 0 }'
}

# all_carried HOST RING [_bytes]: what its links have carried
all_carried() { echo $(($(of_ring "$1" "$2" "sent${3:-}") + $(of_ring "$1" "$2" "received${3:-}"))); }

about[booked]='what the links carry is booked to the proxy, to each what was in its term'
t_booked() {
	local first second before
	must hosts_start 3
	succeeds ring_up booked 3 dead 10000
	# two that hear their last sender never
	receiver 2 first -s 3 -c 300 -t $((60 * slower)) booked
	receiver 2 second -s 3 -c 300 -t $((60 * slower)) booked
	receiver 3 far -s 2 -c 300 -t $((30 * slower)) booked
	first=$(of_ring 2 booked member)
	sender 1 send1 -s 0 -c 300 -l 512 booked
	ended send1
	until_true 20 kept_nothing 1 booked
	before=$(all_carried 2 booked)
	[ "$before" -ge 600 ] || bad "300 messages came and went on, $before were carried"
	equal 'messages booked to the first' "$before" "$(booked_to 2 booked carried "$first")"
	equal 'bytes booked to it' "$(all_carried 2 booked _bytes)" \
		"$(booked_to 2 booked carried_bytes "$first")"
	# a count: the first one has served, the second has not
	succeeds on 2 ringctl proxy elect booked
	equal proxy "${pid[second]}" "$(proxy_pid 2 booked)"
	equal 'once it has been replaced' "$before" "$(booked_to 2 booked carried "$first")"
	second=$(of_ring 2 booked member)
	equal 'messages booked to the second' 0 "$(booked_to 2 booked carried "$second")"
	sender 1 send1b -s 1 -c 300 -l 512 booked
	ended send1b far
	until_true 20 kept_nothing 1 booked
	[ "$(all_carried 2 booked)" -ge $((before + 600)) ] || bad "$(all_carried 2 booked) carried in all"
	equal 'messages booked to the second' $(($(all_carried 2 booked) - before)) \
		"$(booked_to 2 booked carried "$second")"
	equal 'messages booked to the first' "$before" "$(booked_to 2 booked carried "$first")"
	equal 'all bytes' "$(all_carried 2 booked _bytes)" \
		"$(booked_to 2 booked carried_bytes)"
	kill_member KILL first second
}

about[block]='slow block: all readers of one host stop; senders wait, links stay up, all goes on when they do'
t_block() {
	local h accepted
	must hosts_start 3
	succeeds ring_up block 3 log 128K slow block dead 10000
	for h in 1 2 3; do
		watch $h block
		receiver $h "recv$h" -s 3 -c 1000 -t $((60 * slower)) -p block
	done
	receiver 2 recv2b -s 3 -c 1000 -t $((60 * slower)) -p block
	kill_member STOP recv2 recv2b
	sender 1 send1 -s 0 -c 1000 -t $((60 * slower)) block
	sender 3 send3 -s 1 -c 1000 -t $((60 * slower)) block
	# one that does not wait so long says that there is no room
	sender 1 hasty -s 2 -c 1000 -m 2000 -t $((3 * slower)) block
	wait "${pid[hasty]}"
	equal 'status of one who finds no room' 3 $?
	accepted=$(sed -nE 's/.*accepted ([0-9]+) .*/\1/p' "$tmp/hasty")
	h=$(of_ring 1 block messages)
	sleep 1
	equal 'messages while all wait' "$h" "$(of_ring 1 block messages)"
	[ "$h" -ge 10 ] && [ "$h" -lt 1000 ] || bad "$h messages passed before all was full"
	for h in 1 2 3; do
		heard $h 'host-away' && bad "host $h says: $(grep host-away "$tmp/monitor$h")"
		is_closed $h block
	done
	kill_member CONT recv2 recv2b
	ended send1 send3 recv1 recv2 recv2b recv3
	for h in recv1 recv2 recv2b recv3; do
		# what the hasty one was told is accepted comes too, though it has left
		matches $h "received $((2000 + accepted)) lost 0 doubled 0 reordered 0 damaged 0 foreign 0 dropped 0 .* next 1000,1000,$accepted\$" "$(result $h)"
	done
}

about[evict]='slow evict: one slow reader far away holds the senders for its time, then it is gone'
t_evict() {
	local h
	must hosts_start 3
	succeeds ring_up evict 3 log 128K slow evict 3000 dead 10000
	watch 2 evict
	receiver 1 recv1 -s 1 -c 1500 -t $((30 * slower)) -e evict
	receiver 2 good -s 1 -c 1500 -t $((30 * slower)) -e evict
	receiver 2 slow -s 1 -c 1500 -t $((30 * slower)) evict
	kill_member STOP slow
	sender 1 send1 -s 0 -c 1500 evict
	ended send1 recv1 good
	matches 'the good one' 'received 1500 lost 0 doubled 0 reordered 0 ' "$(result good)"
	matches 'on host 1' 'received 1500 lost 0 doubled 0 reordered 0 ' "$(result recv1)"
	until_true 20 heard 2 "member-leave .*pid ${pid[slow]} reason slow" || bad 'no event of the eviction'
	# the reason is "slow"
	for h in good recv1; do
		equal "$h heard of it" 1 "$(grep -cE 'event left node 2 arg [0-9]+ reason 4$' "$tmp/$h")"
	done
	equal evicted '0 1' "$(of_ring 1 evict evicted) $(of_ring 2 evict evicted)"
	kill_member CONT slow
	wait "${pid[slow]}" && bad 'the evicted one went on'
	matches 'the slow one' 'doubled 0 reordered 0 damaged 0 .*: held the log full' "$(result slow)"
}

# With "slow drop" a reader misses what it is too slow for, and knows how much: records, a few of which
# are events. How many messages it was goes to $missed.
missed_some() {	# NAME ALL
	local out got dropped
	out=$(result "$1")
	got=$(sed -nE 's/.*received ([0-9]+) .*/\1/p' <<<"$out")
	missed=$(sed -nE 's/.* lost ([0-9]+) doubled 0 reordered 0 damaged 0 .*/\1/p' <<<"$out")
	dropped=$(sed -nE 's/.*dropped ([0-9]+) .*/\1/p' <<<"$out")
	equal "received and lost by $1" "$2" $((${got:-0} + ${missed:-0}))
	[ $((${dropped:-0} - missed)) -ge 0 ] && [ $((dropped - missed)) -le 20 ] || bad "$1: $out"
	equal "gaps $1 was told of" "$dropped" "$(awk '/^event gap node 0 arg / { n += $6 } END { print n + 0 }' "$tmp/$1")"
}

about[drop]='slow drop: a slow reader far away misses messages, is told how many, and holds nobody'
t_drop() {
	local h name missed
	must hosts_start 3
	succeeds ring_up drop 3 log 128K slow drop dead 2000
	receiver 1 recv1 -s 1 -c 1500 -t $((30 * slower)) drop
	receiver 2 good -s 1 -c 1500 -t $((30 * slower)) drop
	receiver 2 slow -s 1 -c 1500 -t $((6 * slower)) drop
	kill_member STOP slow
	# at a pace that readers keep up with
	sender 1 send1 -s 0 -c 1500 -u $((12000 * slower)) drop
	ended send1
	kill_member CONT slow
	wait "${pid[recv1]}" "${pid[good]}" "${pid[slow]}"
	missed_some slow 1500
	[ "$missed" -gt 1000 ] || bad "the slow one missed $missed only"
	# a machine that is busy elsewhere may make any reader slow for a while
	for name in recv1 good; do
		missed_some $name 1500
		[ "$missed" -lt 300 ] || bad "$name missed $missed: held back by the slow one"
	done
}

about[unload]='after all that the module can be unloaded and loaded again'
t_unload() {
	local before
	must hosts_start 2
	succeeds ring_up unload 2
	one_each 2 unload
	# rings hold nothing: with them in place it goes
	before=$(lsmod | grep -c '^dmring ')
	succeeds rmmod dmring
	equal 'loaded before and after' '1 0' "$before $(lsmod | grep -c '^dmring ')"
	succeeds insmod "${DMRING_MODULE:-$net_root/kmod/dmring.ko}"
	equal 'rings of host 1' '' "$(on 1 ringctl ring show)"
}
