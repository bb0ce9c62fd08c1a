# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # variables of net-views.sh and common.sh
#
# Tests of net-views.sh

declare -A about=()
each=${VIEWS_EACH:-1000}	# messages of each sender
quick=$((150000 * slower))	# us between two of them, until $tmp/v.go is there

# The ring "v" on hosts 1..N, on each a receiver and a sender (number: host - 1) of $each messages
views_start() {	# N WORDS…
	local n=$1 h
	shift
	rm -f "$tmp/v.go"
	must hosts_start "$n"
	must ring_up v "$n" order "$order" slow block dead 1500 "${@:-log 256K}"
	for ((h = 1; h <= n; h++)); do
		receiver $h "recv$h" -e -v -p -s "$n" -c "$each" -t 300 v
		watch $h v
	done
	for ((h = 1; h <= n; h++)); do
		sender $h "send$h" -s $((h - 1)) -c "$each" -l 1000 -t 300 -u $quick -g "$tmp/v" v
	done
	until_true 60 carried 1 $((each * n / 40)) || bad 'the messages do not flow'
}

fast() { : >"$tmp/v.go"; }

carried() { [ "$(of_ring "$1" v messages)" -ge "$2" ]; }

# view WORDS…: of the coordinator
view() {
	local said
	said=$("$net_dir/coordinator" --book "$tmp/book" "$@" 2>&1) || bad "coordinator $*: $said"
	note "$(sed -E 's/^fill ([0-9]+ ms).*/fill \1/' <<<"$said" | paste -sd' ')"
}

# host_dies HOST: first the namespace, under its members; then they find out
host_dies() {
	ip netns pids "h$1" >"$tmp/pids"
	ip netns del "h$1"
	ip -n sw link del "p$1"
	{
		xargs -r kill -KILL <"$tmp/pids"
		wait "${pid[recv$1]}" "${pid[send$1]}" "${pid[monitor$1]}"
	} 2>/dev/null
	unset "pid[recv$1]" "pid[send$1]" "pid[monitor$1]"
}

# host_comes HOST PEERS: a ring there of which nobody knows yet
host_comes() {
	local h i=$1
	[ ! -e "$tmp/recv$i" ] || mv "$tmp/recv$i" "$tmp/dead$i"
	on "$i" ringctl ring add v scope network node "$i" listen "$(address "$i")" insecure \
		order "$order" log 256K slow block dead 1500 || bad "no ring on host $i"
	shift
	for h; do
		succeeds on "$i" ringctl peer add v node "$h" addr "$(address "$h")"
	done
}

known_to() {	# NODE HOSTS…
	local h node=$1
	shift
	for h; do
		succeeds on "$h" ringctl peer add v node "$node" addr "$(address "$node")"
	done
}

# What a receiver says of what came before view N; "next" alone with fifo
before() { sed -nE "s/^before $2: (.*)/\1/p" "$tmp/recv$1" | of_order; }
of_order() { if [ "$order" = fifo ]; then sed 's/.* next/next/'; else cat; fi; }

# together N HOSTS…: the same came to all of them before view N
together() {
	local n=$1 first=$2 h
	[ -n "$(before "$first" "$n")" ] || bad "host $first did not hear of view $n"
	for h in "${@:2}"; do
		equal "host $h before view $n" "$(before "$first" "$n")" "$(before "$h" "$n")"
	done
}

# all_of HOST…: of the senders on these, every message came to the receivers on these, and no fault
all_of() {
	local h s nexts
	for h; do
		wait "${pid[send$h]}" || bad "sender $h: $(accepted "send$h")"
		matches "sender $h" "accepted $each " "$(accepted "send$h")"
	done
	ask_to_end
	for h; do
		receiver_ends $h
		IFS=, read -ra nexts <<<"$(result "recv$h" | sed -nE 's/.* next ([0-9,]+).*/\1/p')"
		for s; do
			equal "of sender $s on host $h" "$each" "${nexts[s - 1]}"
		done
	done
}

# ask_to_end: all receivers at once; each waits for what may still come
ask_to_end() {
	local name
	for name in "${!pid[@]}"; do
		[[ $name != recv* ]] || kill -TERM "${pid[$name]}" 2>/dev/null	# or has ended already
	done
}

# receiver_ends HOST: it has got what there was, without a fault
receiver_ends() {
	kill -TERM "${pid[recv$1]}" 2>/dev/null	# or has ended already
	wait "${pid[recv$1]}" || bad "receiver $1: $(tail -n 2 "$tmp/recv$1")"
	matches "receiver $1" ' lost 0 doubled 0 reordered 0 damaged 0 foreign 0 dropped 0 ' "$(result "recv$1")"
}

# judged [-d] HOST…: the simulator's checker on what their receivers got, and on those that died before
judged() {
	local option=() h of=() said
	[ "$1" != -d ] || { option=(-d); shift; }
	for h; do
		of+=("$h=$tmp/recv$h")
		[ ! -e "$tmp/dead$h" ] || of+=("$h=$tmp/dead$h")
	done
	said=$("$net_dir/judge" "$order" "$tmp/book" "${option[@]}" "${of[@]}" 2>&1) || bad "$said"
	note "judged: $said"
}

# What a sender says at its end; events may follow
accepted() { grep accepted "$tmp/$1"; }

views_of() { grep -E '^view' "$tmp/recv$1"; }

about[dies]='a host dies under load: the same of it everywhere, a prefix; nothing of the others is lost'
t_dies() {
	local h
	views_start 3
	# at any moment
	h=0.$((RANDOM % 90 + 10))
	note "host 3 dies after $h s"
	sleep $h
	host_dies 3
	view --reason broken v 1,2
	fast
	all_of 1 2
	together 2 1 2
	for h in 1 2; do
		equal "views on host $h" 'view 2 hosts 1 2 -3:1' "$(views_of $h)"
	done
	if [ "$order" = safe ]; then
		delivered_everywhere recv3 recv1 recv2
	fi
	judged 1 2 3
}

# delivered_everywhere DEAD SURVIVORS…: what was delivered on a host that died is how the others began
delivered_everywhere() {
	local dead=$1 r n
	grep -E '^message .* of [0-9]+$' "$tmp/$dead" >"$tmp/dead.list"
	n=$(wc -l <"$tmp/dead.list")
	note "$n messages had been delivered there"
	[ "$n" -gt 20 ] || bad "only $n messages had been delivered on the host that died"
	for r in "${@:2}"; do
		grep -E '^message ' "$tmp/$r" | head -n "$n" | cmp -s - "$tmp/dead.list" ||
			bad "$r does not begin with what had been delivered"
	done
}

rain() { succeeds tc -n "h$1" qdisc add dev eth0 root netem delay 4ms 3ms reorder 25% 50% loss 1% duplicate 1%; }

about[weather]='bad weather: packets late, out of order, lost and doubled; a host dies, comes back, and is cut off one way'
t_weather() {
	# for four views, in such weather
	local h was quick=$((150000 * slower))
	views_start 3
	for h in 1 2 3; do
		rain $h
	done
	until_true 60 carried 1 $((each / 8)) || bad 'the messages do not flow'
	host_dies 3
	view --reason broken v 1,2
	must host_start 3
	rain 3
	host_comes 3 1 2
	receiver 3 recv3 -e -v -p -s 3 -c "$each" -t 300 v
	view v 1,2 join 3
	was=$(missed)
	# from 2 to 3 nothing passes: what 2 sends is silence, what 3 answers is of no use
	cut_one_way 2 3
	until_true 20 misses $was || bad "host 2 does not miss host 3: $(of_peer 2 v 3 out)"
	view --reason silent v 1,2
	heal_link 2 3
	view v 1,2 join 3
	carried 1 $((each * 2)) && bad 'all were through before the last view'
	fast
	all_of 1 2
	receiver_ends 3
	for h in 2 3 4 5; do
		together $h 1 2
	done
	h=$(tc -n h1 -s qdisc show dev eth0 | sed -nE 's/.*dropped ([0-9]+).*/\1/p')
	note "host 1 lost $h packets"
	[ "${h:-0}" -gt 0 ] || bad 'the weather was fine'
	judged 1 2 3
}

# missed: how often host 2 has lost host 3. In such weather it may just have, before it is asked.
missed() { grep -c 'host-away node 3' "$tmp/monitor2"; }
misses() { [ "$(missed)" -gt "$1" ] || [ "$(of_peer 2 v 3 out)" != up ]; }

about[comes]='a host comes to a ring that runs, and goes on from there with the others'
t_comes() {
	views_start 3
	must host_start 4
	hosts=4
	known_to 4 1 2 3
	host_comes 4 1 2 3
	receiver 4 recv4 -e -v -p -s 3 -c "$each" -t 120 v
	view v 1,2,3 join 4
	carried 1 $((each * 2)) && bad 'the others were through before'
	fast
	all_of 1 2 3
	together 2 1 2 3
	receiver_ends 4
	equal 'its views' 'view 2 joined hosts 1 2 3 +4' "$(views_of 4)"
	equal 'views on host 1' 'view 2 hosts 1 2 3 +4' "$(views_of 1)"
	equal 'what came last on host 4' "$(last_of 1)" "$(last_of 4)"
	judged 1 2 3 4
}

# With an order, the sequence is all that counts
sums() { if [ "$order" = fifo ]; then sed 's/.*,//'; else sed 's/ next.*//'; fi; }

# receiver_of_others HOST SENDERS…: all of the senders on other hosts; of what those on SENDERS have
# sent, the beginning, and what came after their host was back; and they were told which may be lost
receiver_of_others() {
	local s nexts kept told lost=0
	wait "${pid[recv$1]}"
	matches "receiver $1" ' doubled 0 reordered 0 damaged 0 foreign 0 dropped 0 ' "$(result "recv$1")"
	nexts=$(for ((s = 1; s <= hosts; s++)); do echo "$each"; done | paste -sd,)
	matches "receiver $1" " next $nexts" "$(result "recv$1")"
	IFS=, read -ra kept < <(sed -nE 's/^before 2: .* next ([0-9,]+)$/\1/p' "$tmp/recv$1")
	for s in "${@:2}"; do
		read -ra told < <(sed -nE 's/^event lost .* arg ([0-9]+) .* to ([0-9]+)$/\1 \2/p' "$tmp/send$s")
		note "of sender $s ${kept[s - 1]} were kept; it was told: lost are ${told[0]:-none} to ${told[1]:-}"
		[ "${told[0]:-99999}" -le $((kept[s - 1] + 1)) ] ||
			bad "sender $s was told that its messages are lost from ${told[0]:-nowhere} on, not from $((kept[s - 1] + 1))"
		[ "${told[1]:-0}" -gt "${kept[s - 1]}" ] || bad "nothing of sender $s was lost: that proves little"
		lost=$((lost + ${told[1]:-0} - kept[s - 1]))
	done
	equal "lost on host $1" $lost "$(result "recv$1" | sed -nE 's/.* lost ([0-9]+) .*/\1/p')"
}

# last_of HOST: what came in the last view
last_of() { result "recv$1" | sed -E 's/.* view (sequence [0-9a-f]+ next [0-9,]+).*/\1/' | of_order; }

# Host 3 from the others, which miss it
cut_off_3() {
	cut_link 1 3
	cut_link 2 3
	until_true 20 heard 1 'host-away node 3' || until_true 10 heard 2 'host-away node 3' ||
		bad 'nobody misses host 3'
	goes_on_alone 3
}

# have NODE HOST: how many messages of that node are held on that host
have() { on "$2" ringctl -j view show v | sed -nE 's/.*"node": *'"$1"',[^}]*"have": *([0-9]+).*/\1/p'; }

ahead() { [ "$(have "$1" "$1")" -gt "$(have "$1" 1)" ]; }

# goes_on_alone HOST: what it sends does not pass any more, so that there is something to lose
goes_on_alone() { until_true 60 ahead "$1" || bad "host $1 accepts nothing that host 1 has not"; }

heal_3() {
	heal_link 1 3
	heal_link 2 3
}

about[parts]='a ring falls apart: without quorum nothing is accepted; who was cut off comes back as a new one'
t_parts() {
	local h
	views_start 3
	cut_off_3
	view --reason silent v 1,2
	view --reason silent v 3
	until_true 10 grep -q 'cut off from most others' "$tmp/send3" || bad "sender 3: $(result send3)"
	h=$(of_ring 3 v messages)
	refused 1 'Link has been severed' on 3 ringctl send v count 1 size 10
	equal 'messages on host 3' "$h" "$(of_ring 3 v messages)"
	matches 'view of host 3' '"view": ?2,"quorum": ?false' "$(on 3 ringctl -j view show v)"
	h=$(of_ring 1 v messages)
	until_true 60 carried 1 $((h + each / 40)) || bad 'those with quorum do not go on'
	heal_3
	view v 1,2 join 3
	fast
	ended send1 send2 send3
	ask_to_end
	matches 'sender 3' "accepted $each " "$(accepted send3)"
	for h in 1 2; do
		receiver_of_others $h 3
	done
	together 2 1 2
	together 3 1 2
	equal 'views on host 3' 'view 2 without quorum hosts 3 -1:2 -2:2|view 3 joined hosts 1 2 +3' "$(views_of 3 | paste -sd'|')"
	equal 'views on host 1' 'view 2 hosts 1 2 -3:2|view 3 hosts 1 2 +3' "$(views_of 1 | paste -sd'|')"
	receiver_ends 3
	equal 'what came last on host 3' "$(last_of 1 | sums)" "$(last_of 3 | sums)"
	judged 1 2 3
}

about[thirds]='a ring falls into three parts: the one with quorum goes on, the others accept nothing, and come back as one'
t_thirds() {
	local a b h was
	views_start 5
	for a in 1 2 3 4; do
		for b in 4 5; do
			[ $a -ge $b ] || cut_link $a $b
		done
	done
	until_true 20 heard 4 'host-away node 5' || bad 'host 4 does not miss host 5'
	until_true 20 heard 1 'host-away node 5' || bad 'host 1 does not miss host 5'
	goes_on_alone 4
	goes_on_alone 5
	view --reason silent v 1,2,3
	for h in 4 5; do
		view --reason silent v $h
		until_true 10 grep -q 'cut off from most others' "$tmp/send$h" || bad "sender $h: $(result send$h)"
		was=$(of_ring $h v messages)
		refused 1 'Link has been severed' on $h ringctl send v count 1 size 10
		equal "messages on host $h" "$was" "$(of_ring $h v messages)"
	done
	was=$(of_ring 1 v messages)
	until_true 60 carried 1 $((was + each / 40)) || bad 'those with quorum do not go on'
	for a in 1 2 3 4; do
		for b in 4 5; do
			[ $a -ge $b ] || heal_link $a $b
		done
	done
	view v 1,2,3 join 4,5
	fast
	ended send1 send2 send3 send4 send5
	ask_to_end
	for h in 1 2 3 4 5; do
		matches "sender $h" "accepted $each " "$(accepted send$h)"
	done
	for h in 1 2 3; do
		receiver_of_others $h 4 5
		equal "views on host $h" 'view 2 hosts 1 2 3 -4:2 -5:2|view 3 hosts 1 2 3 +4 +5' "$(views_of $h | paste -sd'|')"
	done
	together 2 1 2 3
	together 3 1 2 3
	for h in 4 5; do
		receiver_ends $h
		equal "what came last on host $h" "$(last_of 1 | sums)" "$(last_of $h | sums)"
	done
	equal 'views on host 4' 'view 2 without quorum hosts 4 -1:2 -2:2 -3:2 -5:2|view 3 joined hosts 1 2 3 +4 +5' "$(views_of 4 | paste -sd'|')"
	equal 'views on host 5' 'view 2 without quorum hosts 5 -1:2 -2:2 -3:2 -4:2|view 3 joined hosts 1 2 3 +4 +5' "$(views_of 5 | paste -sd'|')"
	judged 1 2 3 4 5
}

about[coordinator]='coordinators die at every step; the next one goes on'
t_coordinator() {
	local h
	views_start 3
	host_dies 3
	view --until prepare --only 1 v 1,2
	view --until prepare v 1,2
	view --until fill --only 1 v 1,2
	view --until fill v 1,2
	# all were complete: it might have been installed
	view --repeat --until install --only 1 v 1,2
	equal 'view of host 1' 2 "$(of_ring 1 v view)"
	equal 'view of host 2' 1 "$(of_ring 2 v view)"
	equal 'phase of host 2' fill "$(on 2 ringctl -j view show v | sed -nE 's/.*"phase": *"([a-z]+)".*/\1/p')"
	# what is left: the one who has not
	succeeds on 2 ringctl view install v number 2 attempt "$(attempt_of 2)"
	fast
	all_of 1 2
	together 2 1 2
	for h in 1 2; do
		equal "views on host $h" 'view 2 hosts 1 2 -3:0' "$(views_of $h)"
	done
	judged 1 2 3
}

attempt_of() { on "$1" ringctl -j view show v | sed -nE 's/.*"attempt": *([0-9]+),"joins.*/\1/p'; }

about[restarts]='a host dies, and comes back with its number: a new incarnation'
t_restarts() {
	views_start 3
	host_dies 3
	must host_start 3
	host_comes 3 1 2
	receiver 3 recv3 -e -v -p -s 3 -c "$each" -t 120 v
	view --reason broken v 1,2 join 3
	fast
	all_of 1 2
	together 2 1 2
	receiver_ends 3
	# of sender 3 it knows nothing any more
	equal 'what came last on host 3' "$(last_of 1 | sed 's/,[0-9]*$//')" "$(last_of 3 | sed 's/,[0-9]*$//')"
	equal 'views on host 3' 'view 2 joined hosts 1 2 +3 -3:1' "$(views_of 3)"
	judged 1 2 3
}

about[stopped]='a reader that stands still does not hold up the views'
t_stopped() {
	local i begin
	# a small log has little room for events
	views_start 3 log 64K
	kill_member STOP recv1
	begin=$(ms_now)
	for ((i = 1; i <= 60; i++)); do
		view v 1,2,3
		heard 1 'member-leave .*slow' && break
	done
	note "$i views took $(($(ms_now) - begin)) ms"
	heard 1 'member-leave .*slow' || bad "nobody was evicted on host 1: $(tail -n 3 "$tmp/monitor1")"
	kill_member CONT recv1
	fast
	wait "${pid[recv1]}"
	matches 'the reader that stood still' 'held the log full' "$(result recv1)"
	ended send1 send2 send3
	for h in 2 3; do
		receiver_ends $h
		matches "receiver $h" "received $((3 * each)) " "$(result recv$h)"
	done
	for ((h = 2; h <= i + 1; h++)); do
		together $h 2 3
	done
	judged 1 2 3
}

about[refused]='steps that make no sense are refused, and change nothing'
t_refused() {
	local inc1 inc2 good
	must hosts_start 2
	must ring_up v 2 order "$order" dead 1500
	inc1=$(of_ring 1 v incarnation) inc2=$(of_ring 2 v incarnation)
	refused 1 'has scope machine' on 1 sh -c 'ringctl ring add m; ringctl view prepare m number 2 attempt 1'
	refused 1 'no ring' on 1 ringctl view prepare nope number 2 attempt 1
	refused 1 'view 3 .*1|follow' on 1 ringctl view prepare v number 3 attempt 1
	refused 1 'views count from 2' on 1 ringctl view prepare v number 1 attempt 1
	refused 1 'attempts from 1' on 1 ringctl view prepare v number 2 attempt 0
	refused 1 'not prepared|prepare' on 1 ringctl view fill v number 2 attempt 1 prev 1 hosts "1:$inc1:stays"
	refused 1 'not prepared|prepare' on 1 ringctl view install v number 2 attempt 1
	equal 'view' 1 "$(of_ring 1 v view)"
	succeeds on 1 ringctl view prepare v number 2 attempt 5
	refused 1 'attempt 4 at view 2 comes after attempt 5' on 1 ringctl view prepare v number 2 attempt 4
	refused 1 'comes after attempt 5' on 1 ringctl view prepare v number 2 attempt 5
	good="prev 1 cut 1:0,2:0"
	[ "$order" = fifo ] || good="$good base 1"
	# shellcheck disable=SC2086 # words
	{
		was=$(on 1 ringctl -j view show v)
		fill() {
			refused 1 "$1" on 1 ringctl view fill v number 2 attempt 5 "${@:2}"
			equal "after $1" "$was" "$(on 1 ringctl -j view show v)"
		}
		fill 'ascending|order|twice' $good quorum hosts "1:$inc1:stays,1:$inc1:stays"
		fill 'ascending|order' $good quorum hosts "2:$inc2:stays,1:$inc1:stays"
		fill 'no host|without|host 1' $good quorum hosts "2:$inc2:stays"
		fill 'sequencer' $good quorum sequencer 7 hosts "1:$inc1:stays"
		fill 'incarnation' $good quorum hosts "1:$inc2:stays"
		fill 'has no address here' $good quorum hosts "1:$inc1:stays,9:$inc2"
		succeeds on 1 ringctl peer add v node 3 addr 10.9.0.3:7000
		fill 'was not|stay' $good quorum hosts "1:$inc1:stays,3:$inc2:stays"
		fill 'message' prev 1 cut 1:5,2:0 base 6 quorum hosts "1:$inc1:stays"
		fill 'cut|stream' prev 1 cut 1:0 quorum hosts "1:$inc1:stays"
		fill 'one after the other' prev 4 cut 1:0,2:0 quorum hosts "1:$inc1:stays"
		fill 'at most 128' $good hosts "$(seq -s, 1 129 | sed -E 's/([0-9]+)/\1:1/g')"
	}
	refused 2 'a host is ID' on 1 ringctl view fill v number 2 attempt 5 prev 1 hosts 1
	refused 2 'a host is ID' on 1 ringctl view fill v number 2 attempt 5 prev 1 hosts 1:zz
	refused 2 'a host is ID' on 1 ringctl view fill v number 2 attempt 5 prev 1 hosts 1:1:goes
	refused 2 'a host is ID' on 1 ringctl view fill v number 2 attempt 5 prev 1 hosts 1:1 cut 1:5:bored
	refused 2 'missing' on 1 ringctl view fill v number 2 attempt 5
	refused 1 'hold|complete' on 1 ringctl view install v number 2 attempt 5
	equal 'view' 1 "$(of_ring 1 v view)"
	# it was prepared, and nothing moves; the ring goes on with a higher attempt
	view v 1,2
	equal 'view' 2 "$(of_ring 1 v view)"
	receiver 1 recv1 -s 2 -c 5 -t 20 v
	receiver 2 recv2 -s 2 -c 5 -t 20 v
	sender 1 send1 -s 0 -c 5 v
	sender 2 send2 -s 1 -c 5 v
	ended send1 send2 recv1 recv2
	refused 1 'host 2|view' on 1 ringctl peer del v node 2
}

# list_of N WORDS…: hosts 1 to N as in a record, each with WORDS
list_of() { seq -f "%g$2" -s, 1 "$1"; }

about[large]='a view of 128 hosts: asked for, shown, installed and told of; a log that is too small for them'
t_large() {
	local i inc
	must hosts_start 1
	{
		echo "ring v scope network node 1 listen $(address 1) insecure order $order log 128K dead 1500"
		for ((i = 2; i <= 128; i++)); do
			echo "peer v node $i addr 10.9.1.$i:7000"
		done
	} >"$tmp/conf"
	must on 1 ringctl up "$tmp/conf"
	refused 1 'at most 128 hosts' on 1 ringctl peer add v node 129 addr 10.9.1.129:7000
	receiver 1 recv1 -e -v -p -s 1 -c 10 -t 60 v
	inc=$(on 1 ringctl -j view prepare v number 9 attempt 1 join | sed -nE 's/.*"next_incarnation": *"([0-9a-f]+)".*/\1/p')
	i=0
	[ "$order" = fifo ] || i=1000
	refused 1 'attribute|at most 128' on 1 ringctl view fill v number 9 attempt 1 prev 8 base $i hosts "1:$inc,$(list_of 129 :77 | cut -d, -f2-)"
	refused 2 'too long' on 1 ringctl view fill v number 9 attempt 1 prev 8 base $i hosts "$(list_of 300 :77)"
	succeeds on 1 ringctl view fill v number 9 attempt 1 prev 8 base $i quorum \
		hosts "1:$inc,$(list_of 128 :77 | cut -d, -f2-)" cut "$(list_of 128 :0)"
	equal 'cuts that are shown' 128 "$(on 1 ringctl -j view show v | grep -o '"messages"' | wc -l)"
	equal 'cuts in a dump' 128 "$(on 1 ringctl -j view show | grep -o '"messages"' | wc -l)"
	succeeds on 1 ringctl view install v number 9 attempt 1
	equal 'hosts of the view' 128 "$(of_ring 1 v hosts)"
	until_true 10 grep -q '^view 9' "$tmp/recv1" || bad 'the member is not told'
	equal 'hosts that it was told of' 128 "$(grep '^view 9' "$tmp/recv1" | grep -oE '[+][0-9]+' | wc -l)"
	equal 'the last one' '+128' "$(grep '^view 9' "$tmp/recv1" | grep -oE '[+][0-9]+' | tail -n 1)"
	succeeds on 1 ringctl ring del v
	sed 's/log 128K/log 64K/' "$tmp/conf" >"$tmp/small"
	refused 1 'a log of 65536 bytes is for 64 hosts at most' on 1 ringctl up "$tmp/small"
}

about[ends]='a ring is deleted, or its namespace goes, in the middle of a change'
t_ends() {
	local h
	views_start 3
	view --until prepare v 1,2,3
	succeeds on 1 ringctl ring del v
	view --until prepare v 2,3
	view --until fill v 2,3
	host_dies 2
	succeeds on 3 ringctl ring del v
	refused 1 'there is no ring "v" here' on 3 ringctl view install v number 2 attempt 2
	for h in 1 3; do
		wait "${pid[recv$h]}"
		matches "receiver $h" 'the ring was deleted' "$(result "recv$h")"
	done
}

about[both]='fifo: both parts go on, and one joins the other: who sent there is told what that one lacks'
t_both() {
	local h kept told
	# with an order, going on is for the majority alone
	[ "$order" = fifo ] || return 0
	views_start 3
	cut_off_3
	view v 1,2
	# it must not be through before
	kill_member STOP send3
	view --quorum yes v 3
	matches 'view of host 3' '"view": ?2,"quorum": ?true' "$(on 3 ringctl -j view show v)"
	equal 'state of host 3' closed "$(of_ring 3 v state)"
	# it goes on by itself
	succeeds on 3 ringctl send v count 100 size 100
	heal_3
	view v 1,2 join 3
	kill_member CONT send3
	fast
	ended send1 send2 send3
	kept=$(sed -nE 's/^before 2: .*,([0-9]+)$/\1/p' "$tmp/recv1")
	read -ra told < <(sed -nE 's/^event lost .* arg ([0-9]+) .* to ([0-9]+)$/\1 \2/p' "$tmp/send3")
	note "of sender 3 $kept were kept; it was told that ${told[0]:-nothing} to ${told[1]:-} may be lost"
	[ "${told[0]:-99999}" -le $((kept + 1)) ] || bad "not from $((kept + 1)) on"
	[ "${told[1]:-0}" -gt "$kept" ] || bad 'none is lost: that proves little'
	together 2 1 2
	together 3 1 2
	ask_to_end
	for h in 1 2 3; do
		wait "${pid[recv$h]}"
	done
	judged -d 1 2 3
	equal 'views on host 3' 'view 2 hosts 3 -1:0 -2:0|view 3 joined hosts 1 2 +3' "$(views_of 3 | paste -sd'|')"
}

about[waits]='who waits for room hears at once that the quorum is gone; a departure meanwhile is told to all'
t_waits() {
	local begin
	must hosts_start 3
	must ring_up v 3 order "$order" slow block dead 1500 log 64K
	for h in 1 2 3; do
		receiver $h "recv$h" -e -p -s 1 -c 100000 -t 300 v
	done
	sender 3 long -s 0 -c 100000 -t 300 -m 2000 v
	until_true 30 carried 1 100 || bad 'the messages do not flow'
	# everything is full, and a sender waits
	kill_member STOP recv1
	until_true 20 stands_still 3 || bad 'the messages flow on'
	unplug 3
	view v 3
	begin=$(ms_now)
	until_true 20 grep -q 'cut off from most others' "$tmp/long" || bad "who waits is not told: $(cat "$tmp/long")"
	note "told after $(($(ms_now) - begin)) ms"
	plug 3
	kill_member CONT recv1
	# somebody leaves while nothing moves
	receiver 2 gone -p -s 1 -c 100000 -t 300 v
	view --until prepare v 1,2
	kill_member KILL gone
	view v 1,2
	until_true 10 grep -q 'event left node 2 .* reason 3' "$tmp/recv1" || bad 'host 1 did not hear of the departure on host 2'
	kill_member KILL long
}

stands_still() {
	local was
	was=$(of_ring "$1" v messages)
	sleep 1
	[ "$(of_ring "$1" v messages)" = "$was" ]
}
