#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Nothing lost, doubled, out of order or damaged, whatever happens to the links.
#
#    sender 0, 1        sender 2           sender 3
#   +-----------+     +-----------+     +-----------+
#   |  host 1   |---->|  host 2   |---->|  host 3   |---.
#   +-----------+     +-----------+     +-----------+   |
#     ^ recv a, b       recv c, d         recv e, f     |
#     '-------------------------------------------------'
#                every link cut, again and again
#
#   net-flood.sh [MESSAGES [CUTS [SEED [ORDER]]]]
#
# Each message has 1 to 4096 random bytes, its sender's number, its own, its
# length and a sum; every receiver checks all of them as they come. Before that
# the checker is shown one planted fault of each kind. With ORDER total or safe all
# receivers have to get all messages in one and the same sequence, and the senders to
# be told which of these are their own.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=net/common.sh
. "$here/net/common.sh"
messages=${1:-60000} cuts=${2:-6} seed=${3:-$RANDOM} order=${4:-fifo}
patience=${FLOOD_PATIENCE:-60}	# seconds without a message that a receiver bears
each=$((messages / 4))
receivers="1a 1b 2c 2d 3e 3f"	# host and name
plan $([ "$order" = fifo ] && echo 7 || echo 8)

# flood_start SECONDS COUNT [KIND]: six receivers, four senders, the third with a planted fault
flood_start() {
	local r s=0 h plant own=
	[ "$order" = fifo ] || [ "${3:-}" ] || own=-o
	for r in $receivers; do
		receiver "${r%?}" "recv$r" -s 4 -c "$2" -t $(($1 * slower)) flood
	done
	for h in 1 1 2 3; do
		plant=()
		[ $s != 2 ] || plant=(${3:+--plant "$3"})
		sender $h "send$s" -s $s -c "$2" -r "$seed" -t $((60 * slower)) -g "$tmp/gate" -k "${parts:-1}" \
			$own "${plant[@]}" flood
		s=$((s + 1))
	done
}

# every_receiver PATTERN: its last line
every_receiver() {
	local r
	for r in $receivers; do
		matches "receiver $r" "$1" "$(result "recv$r")"
	done
}

# The checker has to count exactly the one fault that was planted
planted() {	# KIND RECEIVED COUNTS
	local r
	flood_start "$patience" 200 "$1"
	ended send0 send1 send2 send3
	# what is missing will not come
	for r in $receivers; do
		kill_member TERM "recv$r" 2>/dev/null	# or has ended already
	done
	for r in $receivers; do
		wait "${pid[recv$r]}" && bad "receiver $r did not notice"
	done
	every_receiver "received $2 $3 foreign 0 dropped 0 "
	verdict "the checker notices a message planted as: $1"
}

# A cut near the end of each part of the flood but the last; the next part begins
# when it has been made, so that a fast machine is not through before that. A cut lasts
# until the link is seen to be broken, and the next one waits until it is up again.
cut_links() {
	local a b at was
	for ((done_cuts = 0; done_cuts < cuts; )); do
		a=$((done_cuts % 3 + 1)) b=$(((done_cuts + 1) % 3 + 1))
		at=$((base + 4 * (each / (cuts + 1)) * (done_cuts * 10 + 9) / 10))
		until_true "$patience" carried $at || return
		note "cut $((done_cuts + 1)) between $a and $b at $(($(of_ring 1 flood messages) - base)) messages"
		was=$(sum_of link_ups)
		case $((done_cuts % 4)) in
		0) reset_link $a $b; go_on ;;
		1) cut_link $a $b; go_on; sleep 1.$((RANDOM % 5 + 1)); misses $a $b; heal_link $a $b ;;
		2) cut_link $a $b reset; go_on; sleep 0.$((RANDOM % 3 + 1)); misses $a $b; heal_link $a $b ;;
		3) unplug $a; go_on; sleep 1.$((RANDOM % 5 + 1)); misses $a $b; plug $a ;;
		esac
		done_cuts=$((done_cuts + 1))
		# at both of its ends
		until_true 30 came_up $((was + 2)) ||
			bad "cut $done_cuts: links had come up $was times, now $(sum_of link_ups) times"
	done
}

# misses A B: while nothing passes between the two, no new link can be made
misses() {
	until_true 30 broken_at "$1" "$2" || bad "host $1 and host $2 do not miss each other"
}

broken_at() { state_is "$1" flood broken || state_is "$2" flood broken; }

came_up() { [ "$(sum_of link_ups)" -ge "$1" ]; }

# The part after the cut that is being made
go_on() { : >"$tmp/gate.$((done_cuts + 1))"; }

carried() { [ "$(of_ring 1 flood messages)" -ge "$1" ]; }

sum_of() {	# FIELD over the hosts
	local h sum=0
	for h in 1 2 3; do
		sum=$((sum + $(of_ring $h flood "$1")))
	done
	echo $sum
}

note "seed $seed: $messages messages, $cuts cuts, order $order"
RANDOM=$seed
# Under emulation a host may be silent for long without being dead.
must hosts_start 3
must ring_up flood 3 order "$order" log 1M slow block dead 1000
verdict "three hosts form a ring"
for h in 1 2 3; do
	watch $h flood
done

planted lost 799 'lost 1 doubled 0 reordered 0 damaged 0'
planted double 801 'lost 0 doubled 1 reordered 0 damaged 0'
planted reorder 800 'lost 0 doubled 0 reordered 1 damaged 0'
planted damage 800 'lost 1 doubled 0 reordered 0 damaged 1'

start=$(ms_now) ups=$(sum_of link_ups) errors=$(sum_of link_errors) base=$(of_ring 1 flood messages)
parts=$((cuts + 1)) flood_start "$patience" $each
cut_links
ended send0 send1 send2 send3
for r in $receivers; do
	ended "recv$r"
done
every_receiver "received $((4 * each)) lost 0 doubled 0 reordered 0 damaged 0 foreign 0 dropped 0 .* next $each,$each,$each,$each\$"
took=$(($(ms_now) - start))
note "$(result recv1a)"
note "$((4 * each)) messages in $took ms"
verdict "$((4 * each)) messages to each of 6 receivers: 0 lost, 0 doubled, 0 reordered, 0 damaged"

# one_sequence: of all messages of all senders, at all receivers
one_sequence() {
	local r turns want
	want=$(sequence_of recv1a)
	for r in $receivers; do
		equal "sequence at receiver $r" "$want" "$(sequence_of "recv$r")"
	done
	read -r _ turns _ <<<"$want"
	[ "$turns" -ge $((each / 100)) ] || bad "the senders took turns only $turns times: that proves little"
}

sequence_of() { grep -o 'turns [0-9]* sequence [0-9a-f]*' "$tmp/$1"; }

if [ "$order" != fifo ]; then
	one_sequence
	note "$(sequence_of recv1a)"
	verdict "order $order: the same sequence at all receivers"
fi

ups=$(($(sum_of link_ups) - ups))
equal 'breaches of the protocol' "$errors" "$(sum_of link_errors)"
for h in 1 2 3; do
	grep host- "$tmp/monitor$h" | cut -d' ' -f4- | sort | uniq -c | sed "s/^/# host $h:/"
	note "host $h: $(on $h ringctl -s ring show flood | tail -n 1)"
done
equal cuts "$cuts" $done_cuts
[ $ups -ge $((2 * cuts)) ] || bad "$cuts cuts, but links came up only $ups times"
note "links came up $ups times after $done_cuts cuts"
verdict "$cuts links were cut meanwhile"
finish
