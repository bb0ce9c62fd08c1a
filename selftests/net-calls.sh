#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Requests between three hosts: who serves what is known everywhere, replies find their way
# back, servers die under load.
#
#   net-calls.sh [REQUESTS [SEED [ORDER]]]
#
# DMRING_CALLS=N is the same as REQUESTS. CALLS_LIMIT: seconds they may take.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=net/common.sh
. "$here/net/common.sh"
requests=${1:-${DMRING_CALLS:-8000}} seed=${2:-$RANDOM} order=${3:-fifo}
plan 9
note "seed $seed, $requests requests, order $order"

serves_is() {	# HOST NODES-AND-MEMBERS of each host that serves "upper"
	[ "$(on "$1" ringctl service show r | awk '$2 == "upper" { print $3 ":" $4 }' |
		sort | xargs)" = "$2" ]
}

mix_is() {	# as many hosts know of all who take
	local i n=0
	for i in 1 2 3; do
		[ "$(on $i ringctl service show r | awk '$2 == "mix" { n += $4 } END { print n }')" != 4 ] ||
			n=$((n + 1))
	done
	[ $n = "$1" ]
}

open_is() { [ "$(of_ring "$1" r calls_open)" = "$2" ]; }

status_is() {	# HOST NODE-STATE-PROGRESS-TEXT of all members
	[ "$(on "$1" ringctl status r | awk 'NR > 1 { $1 = $3 = ""; print }' | sort | xargs)" = "$2" ]
}

on_all() {	# COMMAND WORDS…: HOST is put in between
	local i cmd=$1
	shift
	for i in 1 2 3; do
		until_true 10 "$cmd" $i "$@" || bad "host $i: not $cmd $*"
	done
}

must hosts_start 3
must ring_up r 3 order "$order" mode 0666

in_host 3 ringctl serve r service upper tr a-z A-Z
"${cmd[@]}" & serve=$!
in_host 2 "$here/net/state" r 7 50 "half done"
"${cmd[@]}" & state=$!
on_all serves_is 3:1
verdict "every host knows who serves"
on_all status_is "2 7 50 half done"
kill $state
wait $state 2>/dev/null
on_all status_is ""
verdict "every host knows the status, and that it has gone with its member"

# 201 members with a status; one more is to be seen on another host within a second
states=()
for ((i = 0; i < 201; i++)); do
	in_host $((1 + i % 3)) "$here/net/state" r 1 "$i" "member $i"
	"${cmd[@]}" & states+=($!)
done
all_there() { [ "$(on "$1" ringctl status r | wc -l)" = 202 ]; }
on_all all_there
in_host 1 ringctl status r watch
"${cmd[@]}" >"$tmp/watch" & watch=$!
until_true 10 grep -q "member 200" "$tmp/watch" || bad "nothing is watched"
in_host 3 "$here/net/state" r 1 99 "at last"
begin=$(ms_now)
"${cmd[@]}" & states+=($!)
until_true 10 grep -q "at last" "$tmp/watch" || bad "the change is not seen"
took=$(($(ms_now) - begin))
note "seen after $took ms, with the start of its process"
[ $took -lt $((1000 * slower)) ] || bad "it took $took ms"
kill $watch "${states[@]}"
wait $watch "${states[@]}" 2>/dev/null
on_all status_is ""
verdict "a board of 201 members shows a change within a second"

seq 1 30 | sed 's/^/line /' >"$tmp/in"
on 1 ringctl call r service upper timeout $((30 * slower)) <"$tmp/in" >"$tmp/out"
equal "replies" "$(tr a-z A-Z <"$tmp/in")" "$(cat "$tmp/out")"
verdict "replies come back to who asked"

for i in 1 2 3; do
	echo job | on $i ringctl send r service upper each || bad "sent to each from host $i"
done
until_true 10 [ "$(of_ring 3 r served)" = 33 ] || bad "served: $(of_ring 3 r served)"
verdict "and what is for each to each"

kill $serve
wait $serve 2>/dev/null
on_all serves_is ""
refused 1 "nobody serves" on 1 ringctl call r service upper timeout 5 </dev/stdin <<<"x"
verdict "nobody serves any more, and who asks is told"

takers=()
for i in 1 2 3 3; do
	in_host $i "$here/net/mix" take r 5000
	"${cmd[@]}" >"$tmp/mix$i" & takers+=($!)
done
until_true 10 mix_is 3 || bad "no takers"
on 1 "$here/net/mix" send r 5000 "$seed" >"$tmp/mix" || bad "the sender: $(cat "$tmp/mix")"
for i in "${takers[@]}"; do
	wait "$i" || bad "a taker: $(cat "$tmp"/mix?)"
done
note "$(cat "$tmp/mix")"
verdict "one sender's broadcasts and requests in one order for everybody"

"$here/net/call-storm" -n "$requests" -r "$seed" -t $((${CALLS_LIMIT:-600} * slower)) r >"$tmp/storm" ||
	bad "see below"
sed 's/^/# /' "$tmp/storm"
on_all open_is 0
verdict "servers die: every request ends once, with its own reply or by a server's death"

must ring_down r 3
hosts_stop
everything_gone
verdict "nothing is left"
finish
