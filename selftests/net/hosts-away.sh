# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # variables of common.sh
#
# Links that break, hosts that go, and hosts that come back.

# traffic N COUNT REST RING: on each of N hosts a receiver that shows events, and a sender
# that rests for REST us after each message, until there is a file RING.go
traffic() {
	local n=$1 count=$2 rest=$3 ring=$4 h
	for ((h = 1; h <= n; h++)); do
		receiver "$h" "recv$h" -s "$n" -c "$count" -t $((30 * slower)) -e "$ring"
	done
	for ((h = 1; h <= n; h++)); do
		sender "$h" "send$h" -s $((h - 1)) -c "$count" -r "$h" -l 512 -u "$rest" -g "$tmp/$ring" \
			-t $((30 * slower)) "$ring"
	done
}

# all_came N COUNT
all_came() {
	local h
	for ((h = 1; h <= $1; h++)); do
		ended "send$h" "recv$h"
		matches "host $h" "received $(($1 * $2)) lost 0 doubled 0 reordered 0 damaged 0 foreign 0 dropped 0 " "$(result "recv$h")"
	done
}

# under_way HOST RING MESSAGES: so many are in its log by now
messages_at() { [ "$(of_ring "$1" "$2" messages)" -ge "$3" ]; }
under_way() { until_true 20 messages_at "$@" || bad "traffic on host $1 stands at $(of_ring "$1" "$2" messages)"; }

about[directions]='each link cut in each direction under traffic: nothing lost or doubled'
t_directions() {
	local a b before
	must hosts_start 3
	succeeds ring_up cuts 3 dead 300 slow block
	# it lasts until the last cut has been made
	traffic 3 2000 $((80000 * slower)) cuts
	under_way 1 cuts 30
	before=$(of_ring 1 cuts link_ups)
	for a in 1 2 3; do
		b=$((a % 3 + 1))
		# data, then acknowledgements
		cut_one_way $a $b
		sleep 0.6
		until_true 20 state_is $b cuts broken || bad "host $b does not miss what host $a says"
		heal_link $a $b
		succeeds on 1 ringctl ring wait cuts timeout $((20 * slower))
		cut_one_way $b $a
		sleep 0.6
		until_true 20 state_is $a cuts broken || bad "host $a does not miss what host $b says"
		heal_link $b $a
		succeeds on 1 ringctl ring wait cuts timeout $((20 * slower))
		reset_link $a $b
		sleep 0.1
	done
	go_on cuts "$(of_ring 1 cuts messages)" 6000
	all_came 3 2000
	[ "$(of_ring 1 cuts link_ups)" -ge $((before + 6)) ] ||
		bad "links of host 1 came up $(($(of_ring 1 cuts link_ups) - before)) times only"
	for a in 1 2 3; do
		equal "breaches on host $a" 0 "$(of_ring $a cuts link_errors)"
	done
}

about[silence]='a host that falls silent is reported in "dead" ms, in the stream and by netlink'
t_silence() {
	local start took h
	must hosts_start 4
	succeeds ring_up silent 4 dead 10000
	for h in 1 3; do
		watch $h silent
		receiver $h "recv$h" -s 1 -c 1 -t $((180 * slower)) -e silent
	done
	sleep 0.5
	start=$(ms_now)
	unplug 2
	until_true 60 heard 3 'host-away node 2' || bad 'host 3 says nothing'
	took=$(($(ms_now) - start))
	until_true 60 heard 1 'host-away node 2 why heard nothing of host 2 for 10000 ms' || bad 'host 1 says nothing'
	note "noticed after $took ms"
	# no sooner than it was said, and not much later even on an emulated machine
	# a busy machine without KVM may stop a guest for seconds; how fast it is, benchmarks say
	[ $took -ge 6000 ] && [ $took -le $((26000 * slower)) ] || bad "host 2 was away after $took ms, dead is 10000"
	until_true 20 heard 1 'silent broken' || bad 'host 1 does not call the ring broken'
	heard 1 'host-away node 4' && bad 'host 4 was reported too'
	plug 2
	succeeds ring_closed silent 4
	until_true 20 heard 1 'host-back node 2' || bad 'host 1 does not report the return'
	sender 2 send2 -s 0 -c 1 silent
	ended send2 recv1 recv3
	for h in 1 3; do
		grep -qE 'event .*away.* node 2 arg 2 reason 0$' "$tmp/recv$h" || bad "no HOST_AWAY in the stream of host $h: $(cat "$tmp/recv$h")"
		grep -qE 'event .*back.* node 2 ' "$tmp/recv$h" || bad "no HOST_BACK in the stream of host $h"
	done
}

about[long_cut]='a host that is cut off for five seconds goes on where it was'
t_long_cut() {
	must hosts_start 3
	succeeds ring_up long 3 log 64K slow block
	traffic 3 2000 500 long
	under_way 1 long 100
	unplug 2
	sleep 5
	equal 'state of host 1' broken "$(of_ring 1 long state)"
	equal 'state of host 2' broken "$(of_ring 2 long state)"
	plug 2
	succeeds ring_closed long 3
	all_came 3 2000
}

# fresh_start: ring and receivers again on all three
fresh_start() {	# RING
	local h
	for h in 1 2 3; do
		on $h ringctl ring del "$1" || bad "ring on host $h can not be deleted"
	done
	succeeds ring_up "$1" 3
	one_each 3 "$1"
}

about[death]='a host dies under load: EAGAIN and HOST_AWAY; restarted it is refused until the ring is set up anew'
t_death() {
	local h
	must hosts_start 3
	succeeds ring_up dies 3 log 64K slow block
	# senders end when there has been no room for a while, receivers later; not before the death
	for h in 1 2; do
		watch $h dies
		receiver $h "recv$h" -s 3 -c 100000 -t $((10 * slower)) -p -e dies
	done
	for h in 1 2 3; do
		sender $h "send$h" -s $((h - 1)) -c 100000 -l 512 -t $((6 * slower)) dies
	done
	under_way 2 dies 200
	# first the namespace, under its members; then they find out
	ip netns pids h3 >"$tmp/pids"
	ip netns del h3
	ip -n sw link del p3
	until_true 20 heard 2 'host-away node 3' || bad 'host 2 says nothing'
	until_true 20 heard 1 'host-away node 3' || bad 'host 1 says nothing'
	for h in 1 2; do
		wait "${pid[send$h]}"
		equal "status of the sender on host $h" 3 $?
		matches "sender on host $h" 'accepted [0-9]+ .*(timed out|again|Timer|unavailable)' "$(result "send$h")"
	done
	xargs -r kill -KILL <"$tmp/pids" 2>/dev/null
	ended recv1 recv2
	for h in 1 2; do
		matches "host $h" ' lost 0 doubled 0 reordered 0 damaged 0 foreign 0 ' "$(result "recv$h")"
		grep -qE 'event .*away.* node 3 ' "$tmp/recv$h" || bad "no HOST_AWAY in the stream of host $h"
	done
	note "host 1: $(result recv1)"
	note "host 2: $(result recv2)"

	must host_start 3
	succeeds host_ring 3 dies 3
	until_true 20 peer_says 2 dies 3 'host 3 was restarted: its incarnation changed; set the ring up anew' ||
		bad "host 2 says: $(of_peer 2 dies 3 why)"
	until_true 20 peer_says 3 dies 2 'restarted' || bad "host 3 says: $(of_peer 3 dies 2 why)"
	until_true 20 peer_says 1 dies 3 'restarted' || bad "host 1 says: $(of_peer 1 dies 3 why)"
	for h in 1 2; do
		until_true 20 heard $h 'host-refused node 3 why .*restarted' || bad "no refusal is reported on host $h"
	done
	equal 'state of host 1' broken "$(of_ring 1 dies state)"
	fresh_start dies
}

about[del]='a ring deleted on one host under load: its members are told, the others wait'
t_del() {
	local h
	must hosts_start 3
	succeeds ring_up del 3 log 64K slow block
	for h in 1 2 3; do
		receiver $h "recv$h" -s 3 -c 100000 -t $((10 * slower)) -p -e del
	done
	for h in 1 2 3; do
		sender $h "send$h" -s $((h - 1)) -c 100000 -l 512 -t $((6 * slower)) del
	done
	under_way 2 del 200
	succeeds on 2 ringctl ring del del
	for h in send2 recv2; do
		wait "${pid[$h]}" && bad "$h went on"
	done
	matches 'sender on host 2' '(ring.del|deleted)' "$(tail -n 2 "$tmp/send2")"
	matches 'receiver on host 2' ' lost 0 doubled 0 reordered 0 damaged 0 .*(ring.del|deleted)' "$(result recv2)"
	ended recv1 recv3
	for h in 1 3; do
		matches "host $h" ' lost 0 doubled 0 reordered 0 damaged 0 ' "$(result "recv$h")"
		grep -qE 'event .*away.* node 2 ' "$tmp/recv$h" || bad "no HOST_AWAY in the stream of host $h"
		wait "${pid[send$h]}"
		equal "status of the sender on host $h" 3 $?
	done
	# the rest of the ring is anew, with a new incarnation of host 2 alone
	succeeds host_ring 2 del 3
	until_true 20 peer_says 1 del 2 'host 2 was restarted' || bad "host 1 says: $(of_peer 1 del 2 why)"
	fresh_start del
}
