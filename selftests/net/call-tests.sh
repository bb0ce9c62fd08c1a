#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034,SC2154 # variables of common.sh and views.sh
#
# Requests between hosts: who serves what is known everywhere, replies find their way back, servers
# and hosts die, and nobody sees who sent what.
#
#	call-tests.sh ORDER [TEST…]	all tests, or those named (without their "t_")
#
# DMRING_CALLS: requests of a storm (8,000); CALLS_PACE: in a second, if not as many as there can be;
# CALLS_LIMIT: seconds that it may take, if not as many as they should; DMRING_SEED: what is random in it

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=common.sh
. "$here/common.sh"
# shellcheck source=views.sh
. "$here/views.sh"
about=()
# shellcheck source=call-hides.sh
. "$here/call-hides.sh"
# shellcheck source=call-status.sh
. "$here/call-status.sh"

order=${1:-fifo}
shift
seed=${DMRING_SEED:-$RANDOM$RANDOM}
requests=${DMRING_CALLS:-8000}
mixed=$((requests < 3000 ? requests : 3000))	# messages of each sender
note "order $order, seed $seed"

calls_start() {	# WORDS…: the ring "r" on three hosts
	must hosts_start 3
	calls_ring "$@"
}

# Links do not go down because a guest stands still for a moment
calls_ring() { must ring_up r 3 order "$order" mode 0666 dead 10000 "$@"; }

# part HOST NAME WORDS…: "call-member WORDS" there, in the background
part() { member "$1" "$2" "$here/call-member" "${@:3}"; }

# said NAME PATTERN: in one of its lines; asked again and again, so no program is started for it
said() {
	local line
	while IFS= read -r line; do
		[[ ! $line =~ $2 ]] || return 0
	done <"$tmp/$1"
	return 1
}

# server HOST NAME VERB RING SERVICE: it serves when this returns
server() {
	part "$@"
	until_true 30 said "$2" '^serving' || bad "$2 does not serve: $(cat "$tmp/$2")"
}

# known RING SERVICE NODE:MEMBERS…: to every host of HOSTS, in $hosts_known
known() {
	local h
	for h in ${hosts_known:-1 2 3}; do
		until_true 20 knows "$h" "$@" ||
			bad "host $h knows of $2: $(who_serves "$h" "$1" "$2"), not ${*:3}"
	done
}

knows() { [ "$(who_serves "$1" "$2" "$3")" = "${*:4}" ]; }

who_serves() {	# HOST RING SERVICE
	local name node members
	local -a of=()
	while read -r _ name node members _; do
		[ "$name" != "$3" ] || of[node]=$node:$members
	done < <(on "$1" ringctl service show "$2")
	echo "${of[*]}"
}

nothing_open() {	# RING HOSTS…
	local h
	for h in "${@:2}"; do
		until_true 10 equals 0 "$h" "$1" calls_open ||
			bad "host $h: $(of_ring "$h" "$1" calls_open) calls are open"
	done
}

equals() { [ "$(of_ring "$2" "$3" "$4")" = "$1" ]; }

# end_of NAME…: asked to end, and with status 0
end_of() {
	kill_member TERM "$@"
	ended "$@"
}

about[calls]='questions of two hosts to a server on the third: each gets its own answer, and the counters add up'
t_calls() {
	local h n=300 field sum
	calls_start
	server 3 serve serve r work
	known r work 3:1
	part 1 ask1 ask r work $n 1
	part 2 ask2 ask r work $((2 * n)) 2
	ended ask1 ask2
	equal 'host 1' "asked $n answered $n wrong 0" "$(result ask1)"
	equal 'host 2' "asked $((2 * n)) answered $((2 * n)) wrong 0" "$(result ask2)"
	nothing_open r 1 2 3
	for field in calls calls_replied calls_failed served stale; do
		sum=
		for h in 1 2 3; do
			sum+=" $(of_ring $h r $field)"
		done
		case $field in
		calls | calls_replied) equal $field " $n $((2 * n)) 0" "$sum" ;;
		served) equal $field " 0 0 $((3 * n))" "$sum" ;;
		*) equal $field ' 0 0 0' "$sum" ;;
		esac
	done
	end_of serve
	equal server "served $((3 * n)) damaged 0" "$(result serve)"
	known r work ''
}

about[tool]='ringctl asks, serves and sends between hosts, to each too, and says when nobody serves'
t_tool() {
	local h
	calls_start
	member 3 serve ringctl serve r service upper tr a-z A-Z
	known r upper 3:1
	seq -f 'line %g' 30 >"$tmp/in"
	on 1 ringctl call r service upper timeout $((30 * slower)) <"$tmp/in" >"$tmp/out" || bad "status $?"
	equal replies "$(sed 's/.*/\U&/' "$tmp/in")" "$(cat "$tmp/out")"
	for h in 1 2 3; do
		echo job | on $h ringctl send r service upper each || bad "host $h does not send"
	done
	until_true 20 equals 33 3 r served || bad "host 3 has served $(of_ring 3 r served) of 33"
	end_of serve
	known r upper ''
	refused 1 'nobody serves' on 1 ringctl call r service upper timeout 5 <<<x
}

about[full]='who finds all full on another host asks again until there is room, or its time is over'
t_full() {
	local before size
	calls_start slow block
	member 3 serve ringctl serve r service upper tr a-z A-Z
	known r upper 3:1
	kill_member STOP serve
	# large ones, and what fits in behind them
	for size in 1000 1; do
		until_true 10 finds_full 2 $size || bad "host 3 takes all of it: $(cat "$tmp/fill")"
	done
	refused 1 'full|no reply in time' on 1 ringctl call r service upper timeout 2 <<<x
	# what it is told each time would pile up behind what it has not read
	part 1 behind call r upper $((60 * slower)) behind
	wait "${pid[behind]}"
	unset 'pid[behind]'
	matches 'behind a reply' '^EAGAIN: .*full' "$(cat "$tmp/behind")"
	before=$(of_ring 1 r calls)
	part 1 call call r upper $((60 * slower))
	until_true 60 asked_more_than 1 $((before + 200)) || bad "host 1 has asked $(($(of_ring 1 r calls) - before)) times"
	before=$(of_ring 1 r calls)
	member 1 ask sh -c "echo line | ringctl call r service upper timeout $((60 * slower))"
	until_true 60 asked_more_than 1 $((before + 5)) || bad "host 1 has asked $(($(of_ring 1 r calls) - before)) times"
	kill_member CONT serve
	ended ask call
	equal answer LINE "$(cat "$tmp/ask")"
	matches 'answer, to dmring_call()' '^answer LINE' "$(cat "$tmp/call")"
	nothing_open r 1 2 3
}

# finds_full HOST SIZE: who sends 300 requests there is told so, if it still listens when the news come
finds_full() {
	! on "$1" ringctl send r service upper count 300 size "$2" >"$tmp/fill" 2>&1 && grep -q full "$tmp/fill"
}

asked_more_than() { [ "$(of_ring "$1" r calls)" -gt "$2" ]; }

storm() { "$here/call-storm" -r "$seed" "$@" r >"$tmp/storm" 2>&1; }

# storm_finds KIND PATTERN: a planted fault. It goes with its server, if that is killed just then
storm_finds() {
	local try
	for try in 1 2 3; do
		storm -n 1000 -k 400 -r $((seed + try)) -t $((60 * slower)) -p "$1" || break
		note "try $try: $1 is not noticed"
	done
	matches "planted: $1" "$2" "$(cat "$tmp/storm")"
}

about[plants]='the storm finds what is planted: an end forgotten, doubled, damaged, or before its time'
t_plants() {
	calls_start
	storm_finds damaged 'client 0: the answer to another question'
	storm_finds doubled 'client 0: ended twice'
	storm_finds early 'client 0: its server lives'
	storm_finds lost ' open 1 '
}

died_with_its_server() { [[ $(result storm) =~ \ dead\ [1-9] ]]; }

# stormy WORDS…: servers on hosts, killed; see call-storm.c. Few requests are soon
# over: then kills follow each other faster. If all servers were idle when they were, once more
stormy() {
	local h try
	calls_start
	for try in 0 1 2; do
		storm -r $((seed + try)) -n "$requests" -k $((requests < 8000 ? 20 : 100)) -w "${CALLS_PACE:-0}" \
			-t $((${CALLS_LIMIT:-$((300 + requests / 200))} * slower)) "$@" || bad 'see the last lines'
		sed 's/^/# /' "$tmp/storm"
		matches storm "begun $((requests / 8 * 8)) .* wrong 0 open 0 twice 0" "$(result storm)"
		! died_with_its_server || break
	done
	died_with_its_server || bad 'no request died with its server: that proves little'
	nothing_open r 1 2 3
	known r storm ''
	for h in 1 2 3; do
		note "host $h: $(on $h ringctl -s ring show r | tail -n 1 | grep -o 'calls .*')"
		equal "breaches of the protocol on host $h" 0 "$(of_ring $h r link_errors)"
	done
}

about[storm]='servers are killed on all hosts: every request ends once, and fails only with its own server'
t_storm() { stormy; }

about[far]='servers are killed on other hosts than the clients: likewise'
t_far() {
	stormy -x
	equal 'served on host 1' 0 "$(of_ring 1 r served)"
}

about[mix]='broadcasts, requests to one and to each, and calls of three senders in one order for everybody'
t_mix() {
	local own=()
	[ "$order" = fifo ] || own=(-o)
	calls_start slow block
	"$here/call-mix" -n 300 -r "$seed" -p r >"$tmp/plant" 2>&1 && bad 'a planted message out of order is not noticed'
	matches planted 'out of order: of 0' "$(cat "$tmp/plant")"
	"$here/call-mix" -n "$mixed" -r "$seed" "${own[@]}" -t $((200 * slower)) r >"$tmp/mix" 2>&1 || bad "status $?"
	sed 's/^/# /' "$tmp/mix"
	nothing_open r 1 2 3
}

about[comes]='a host that comes by a view gets to know services and status of all, and its requests are served'
t_comes() {
	local ring=v hosts_known last
	must hosts_start 3
	must ring_up v 3 order "$order" slow block dead 1500 log 256K
	server 3 serve serve v work
	known v work 3:1
	crowd 2 20 2000
	since=$(ms_now)
	hosts_known='1 2 3' shown member 20
	must host_start 4
	hosts=4
	known_to 4 1 2 3
	host_comes 4 1 2 3
	view v 1,2,3 join 4
	since=$(ms_now)
	hosts_known=4 shown '"node":2,.*"member' 20
	hosts_known='1 2 3 4' known v work 3:1
	part 4 ask ask v work 50 4
	ended ask
	equal 'host 4' 'asked 50 answered 50 wrong 0' "$(result ask)"
	change 'all 3' 2
	hosts_known='1 2 3 4' shown '"progress":3,' 20
	server 4 serve4 serve v new
	hosts_known='1 2 3 4' known v new 4:1
	part 1 ask1 ask v new 50 1
	ended ask1
	nothing_open v 1 2 3 4
}

# ends_with NAME N ERROR: its N requests have ended, with that; the first and the last end in $first, $last
ends_with() {
	local line
	until_true 10 said "$1" '^ended' || bad "$1 still waits"
	line=$(result "$1")
	matches "$1" "^ended $2 $3 $2 at " "$line"
	read -r first last < <(sed -nE 's/.* at ([0-9]+) ([0-9]+)$/\1 \2/p' <<<"$line")
}

held() { grep -c '^held' "$tmp/$1"; }
holds() { [ "$(held "$1")" = "$2" ]; }

busy() {	# HOST RING SERVICE: requests in hand there, as that host believes
	on "$1" ringctl -j service show "$2" | tr '}' '\n' | grep "\"$3\"" | sed -nE 's/.*"busy": ?([0-9]+).*/\1/p'
}

busy_is() {	# HOST RING SERVICE LEAST MOST
	local n
	n=$(busy "$1" "$2" "$3")
	[ "${n:-0}" -ge "$4" ] && [ "${n:-0}" -le "$5" ]
}

about[dies]='a host dies: what was asked there ends with EHOSTDOWN when the view without it is installed, nothing else does'
t_dies() {
	local h begin end first last
	must hosts_start 3
	must ring_up v 3 order "$order" slow block dead 1500 log 256K
	server 3 dying hold v there
	server 2 living hold v here
	known v there 3:1
	known v here 2:1
	part 1 wait1 wait v there 20
	part 2 wait2 wait v there 20
	part 1 keeps wait v here 5
	part 3 gone wait v here 5
	until_true 20 holds dying 40 || bad "host 3 holds $(held dying) of 40"
	until_true 20 holds living 10 || bad "host 2 holds $(held living) of 10"
	# about as many: not each change is told
	until_true 20 busy_is 1 v there 28 40 || bad "host 1 believes host 3 has $(busy 1 v there) requests in hand"
	until_true 20 busy_is 3 v here 6 10 || bad "host 3 believes host 2 has $(busy 3 v here) requests in hand"
	ip netns pids h3 >"$tmp/pids"
	ip netns del h3
	ip -n sw link del p3
	{ xargs -r kill -KILL <"$tmp/pids"; wait "${pid[dying]}" "${pid[gone]}"; } 2>/dev/null
	unset 'pid[dying]' 'pid[gone]'
	sleep 1
	for h in 1 2; do
		said wait$h '^ended' && bad "host $h: ended before the view: $(result wait$h)"
	done
	begin=$(ms_now)
	view --reason broken v 1,2
	end=$(ms_now)
	for h in 1 2; do
		ends_with wait$h 20 EHOSTDOWN
		note "host $h: from $((first - begin)) to $((last - begin)) ms after the view was begun, which took $((end - begin)) ms"
		[ "${first:-0}" -ge "$begin" ] || bad "host $h: before the view"
		[ "${last:-0}" -le $((end + 5000 * slower)) ] || bad "host $h: too late"
	done
	hosts_known='1 2' known v there ''
	said keeps '^ended' && bad "ended with a host that has nothing to do with it: $(result keeps)"
	kill_member TERM living
	ends_with keeps 5 replied
	ended living keeps wait1 wait2
	nothing_open v 1 2
	server 2 idle serve v idle
	hosts_known='1 2' known v idle 2:1
	part 1 ask ask v idle 100 1
	ended ask
	until_true 20 busy_is 1 v idle 0 0 || bad "host 1 believes host 2 has $(busy 1 v idle) requests in hand"
	equal 'failed on host 1' 20 "$(of_ring 1 v calls_failed)"
	refused 1 'nobody serves' on 1 ringctl call v service there timeout 5 <<<x
}

about[parts]='a host is cut off: what is asked across ends on both sides, each with its own view'
t_parts() {
	local first last
	must hosts_start 3
	must ring_up v 3 order "$order" slow block dead 1500 log 256K
	server 1 one hold v first
	server 3 three hold v third
	known v first 1:1
	known v third 3:1
	part 1 out wait v third 10
	part 3 in wait v first 10
	until_true 20 holds one 10 || bad "host 1 holds $(held one) of 10"
	until_true 20 holds three 10 || bad "host 3 holds $(held three) of 10"
	cut_link 1 3
	cut_link 2 3
	until_true 20 state_is 1 v broken || bad "the ring is $(of_ring 1 v state)"
	until_true 20 state_is 3 v broken || bad "the ring is $(of_ring 3 v state) for host 3"
	view --reason silent v 1,2
	ends_with out 10 EHOSTDOWN
	said in '^ended' && bad 'host 3 has no view yet'
	view --reason silent v 3
	ends_with in 10 EHOSTDOWN
	heal_link 1 3
	heal_link 2 3
	view v 1,2 join 3
	# who still holds them answers nobody; what is new goes
	end_of one three
	server 3 again serve v again
	known v again 3:1
	part 1 ask ask v again 50 1
	ended ask
	nothing_open v 1 2 3
}

asks() {	# BYTES
	head -c "$1" /dev/zero | tr '\0' x
}

about[large]='a request too large for the ring ends in words, once, and the ring goes on'
t_large() {
	local h most
	must hosts_start 3
	must ring_up r 3 order "$order" mode 0666 dead 2000 max 2000
	member 3 serve ringctl serve r service same cat
	known r same 3:1
	most=$(($(on 1 ringctl -j ring show r | grep -oE '"max_msg": ?[0-9]+' | grep -oE '[0-9]+$') - 64))
	equal 'just fits' $most "$(asks $most | on 1 ringctl call r service same timeout 20 | tr -d '\n' | wc -c)"
	for h in 1 2; do
		asks $((most + 1)) | on $h ringctl call r service same timeout 20 >"$tmp/large" 2>&1 &&
			bad "host $h sent more than goes"
		note "host $h: $(head -n 1 "$tmp/large")"
	done
	equal 'and after that' $most "$(asks $most | on 2 ringctl call r service same timeout 20 | tr -d '\n' | wc -c)"
	nothing_open r 1 2 3
	for h in 1 2 3; do
		equal "breaches of the protocol on host $h" 0 "$(of_ring $h r link_errors)"
	done
	equal 'failed on host 1' 1 "$(of_ring 1 r calls_failed)"
	kill_member TERM serve
}

about[quits]='half of the table is taken: what one that leaves had still to ask for on another host fails, and harms nobody'
t_quits() {
	local h
	calls_start slow block
	for h in a b; do
		server 1 hold$h hold r here
		part 1 fill$h wait r here 1024
		until_true 60 said fill$h '^begun' || bad "fill$h: $(cat "$tmp/fill$h")"
	done
	until_true 60 equals 2048 1 r calls_open || bad "$(of_ring 1 r calls_open) calls are open"
	server 3 holdc hold r far
	server 3 serve serve r work
	known r far 3:1
	known r work 3:1
	part 1 quits wait r far 1024
	until_true 60 said quits '^begun' || bad "$(cat "$tmp/quits")"
	until_true 60 asked_more_than 1 2100 || bad "host 1 has asked $(of_ring 1 r calls) times"
	sleep 1
	note "host 1 has asked $(of_ring 1 r calls) times"
	kill_member KILL quits
	# it waits as long as a slow reader may be
	until_true 60 equals 3072 1 r calls || bad "of what it had asked for $(of_ring 1 r calls) of 3072 have begun"
	part 2 ask ask r work 100 2
	ended ask
	equal 'host 2' 'asked 100 answered 100 wrong 0' "$(result ask)"
	end_of holda holdb holdc
	ended filla fillb
	for h in a b; do
		matches fill$h 'ended 1024 replied 1024' "$(result fill$h)"
	done
	nothing_open r 1 2 3
	for h in 1 2 3; do
		equal "breaches of the protocol on host $h" 0 "$(of_ring $h r link_errors)"
	done
	end_of serve
}

about[each]='what is for each comes to every member on every host, once; a job for nobody comes back'
t_each() {
	local h i
	calls_start
	for h in 1 2 3; do
		for i in a b; do
			member $h each$h$i ringctl recv r service every count 60 timeout $((60 * slower))
		done
	done
	known r every 1:2 2:2 3:2
	for h in 1 2 3; do
		seq -f "of $h: %g" 20 >"$tmp/jobs$h"
		in_host $h ringctl send r service every each
		"${cmd[@]}" <"$tmp/jobs$h" || bad "host $h does not send"
	done
	for h in 1 2 3; do
		for i in a b; do
			ended each$h$i
			equal "receiver $h$i" "$(cat "$tmp"/jobs[123] | sort)" "$(sort "$tmp/each$h$i")"
			equal "receiver $h$i, of host 1 in order" "$(cat "$tmp/jobs1")" "$(grep 'of 1' "$tmp/each$h$i")"
		done
	done
	known r every ''
	# no more than the library keeps events
	part 1 job job r nobody 20
	ended job
	equal 'for nobody' 'sent 20 back 20 twice 0 reason ESRCH' "$(result job)"
	server 3 serve serve r work
	known r work 3:1
	part 2 job job r work 30
	ended job
	equal 'for somebody' 'sent 30 back 0 twice 0 reason none' "$(result job)"
	# they are no questions, and it says so
	kill_member TERM serve
	wait "${pid[serve]}"
	equal 'somebody' 'served 30 damaged 30' "$(result serve)"
}

# shellcheck disable=SC2046 # names of tests
[ $# != 0 ] || set -- $(tests_in "$0" "$here/call-hides.sh" "$here/call-status.sh")
run_tests ", order $order" "$@"
