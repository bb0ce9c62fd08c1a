# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # variables of common.sh
#
# How a ring forms, with whom it does not, and what goes over it then.

declare -A about=()

# one_each N RING: every host sends one message, every host gets all of them
one_each() {
	local n=$1 ring=$2 i
	for ((i = 1; i <= n; i++)); do
		member "$i" "recv$i" "$flood" recv -s "$n" -c 1 -t $((60 * slower)) "$ring"
	done
	for ((i = 1; i <= n; i++)); do
		until_true 30 grep -q attached "$tmp/recv$i" || bad "host $i: $(cat "$tmp/recv$i")"
	done
	for ((i = 1; i <= n; i++)); do
		sender "$i" "send$i" -s $((i - 1)) -c 1 -r "$i" -l 900 "$ring"
	done
	for ((i = 1; i <= n; i++)); do
		ended "send$i" "recv$i"
		matches "host $i" "received $n lost 0 doubled 0 reordered 0 damaged 0 foreign 0 " "$(result "recv$i")"
	done
}

forms() {	# N WORDS…
	local n=$1 i
	shift
	must hosts_start "$n"
	note "$n hosts after $SECONDS s"
	succeeds ring_up form "$n" "$@"
	note "the ring is closed after $SECONDS s"
	for ((i = 1; i <= n; i++)); do
		is_closed "$i" form
		equal "hosts of host $i" "$n" "$(of_ring "$i" form hosts)"
	done
	one_each "$n" form
}

about[two]='two hosts form a ring, one message from each to all'
t_two() { forms 2 dead 10000; }

about[eight]='eight hosts, likewise'
t_eight() { forms 8 log 256K dead 10000; }

about[text]='lines of text arrive on every host as they were sent'
t_text() {
	local h
	must hosts_start 3
	succeeds ring_up text 3
	for h in 1 2 3; do
		member $h "recv$h" ringctl recv text count 4 timeout $((20 * slower))
	done
	for h in 1 2 3; do
		until_true 10 members_are $h text 1 || bad "no member on host $h"
	done
	printf 'first line\n\n  third, after an empty one\nlast without end' | on 2 ringctl send text ||
		bad 'send failed'
	for h in 1 2 3; do
		ended "recv$h"
		equal "text on host $h" $'first line\n\n  third, after an empty one\nlast without end' "$(cat "$tmp/recv$h")"
	done
}

about[ipv6]='links over IPv6'
t_ipv6() {
	ipv6=yes
	forms 3 dead 10000
	matches 'address of host 2' '^\[fd09::2\]:7000$' "$(of_peer 1 form 2 addr)"
	ipv6=
}

about[identify]='with identify every host learns who sent: process, user, node'
t_identify() {
	local h want
	must hosts_start 3
	succeeds ring_up who 3 identify
	for h in 1 2 3; do
		receiver $h "recv$h" -s 3 -c 5 -t $((20 * slower)) -i who
	done
	for h in 1 2 3; do
		sender $h "send$h" -s $((h - 1)) -c 5 who
	done
	ended send1 send2 send3 recv1 recv2 recv3
	for h in 1 2 3; do
		want="ident sender $((h - 1)) node $h pid ${pid[send$h]} uid 0 gid 0"
		equal "host $h as seen by 1, 2, 3" 3 "$(grep -lFx "$want" "$tmp"/recv[123] | wc -l)"
	done
	equal 'identities on host 1' 3 "$(grep -c '^ident' "$tmp/recv1")"
}

about[big]='messages of 1 MiB, with logs that hold them'
t_big() {
	local h
	must hosts_start 3
	# a window for each of three hosts and one more record
	succeeds ring_up big 3 log 8M max 1M slow block
	for h in 1 2 3; do
		equal "largest message on host $h" 1048576 "$(of_ring $h big max_msg)"
		receiver $h "recv$h" -s 2 -c 8 -t $((30 * slower)) big
	done
	sender 1 send1 -s 0 -c 8 -m 1048552 -l 1048552 big
	sender 3 send3 -s 1 -c 8 -m 1048552 -l 1048552 big
	ended send1 send3 recv1 recv2 recv3
	for h in 1 2 3; do
		matches "host $h" "received 16 lost 0 .* bytes $((16 * 1048576)) " "$(result "recv$h")"
	done
}

about[logs]='logs of different sizes: the smallest decides; one that is too small is refused'
t_logs() {
	local h words
	must hosts_start 3
	words=([1]='log 64K' [2]='log 1M' [3]='log 256K')
	for h in 1 2 3; do
		# shellcheck disable=SC2086 # a list of words
		succeeds host_ring $h logs 3 slow block ${words[h]}
	done
	succeeds ring_closed logs 3
	for h in 2 3; do
		equal "largest message on host $h" "$(of_ring 1 logs max_msg)" "$(of_ring $h logs max_msg)"
	done
	for h in 1 2 3; do
		receiver $h "recv$h" -s 3 -c 300 -t $((30 * slower)) logs
	done
	for h in 1 2 3; do
		sender $h "send$h" -s $((h - 1)) -c 300 logs
	done
	ended send1 send2 send3 recv1 recv2 recv3
	succeeds on 1 ringctl ring add small scope network node 1 listen 10.9.0.1:7001 insecure log 64K max 30000
	refused 1 'log of 65536 bytes leaves less than one largest message .* for each of 2 hosts' \
		on 1 ringctl peer add small node 2 addr 10.9.0.2:7001
	equal 'hosts after the refusal' 1 "$(of_ring 1 small hosts)"
}

about[lists]='lists of peers that differ are refused in words, and heal'
t_lists() {
	must hosts_start 3
	succeeds host_ring 1 lists 3
	succeeds host_ring 2 lists 2
	succeeds host_ring 3 lists 3
	until_true 20 peer_says 1 lists 2 'host 3 is in the list of host 1, not in that of host 2' ||
		bad "host 1 says: $(of_peer 1 lists 2 why)"
	until_true 20 link_is 1 lists 2 refused || bad "link to host 2: $(of_peer 1 lists 2 out)"
	equal 'state of host 1' forming "$(of_ring 1 lists state)"
	refused 1 'timed out: ring "lists" is forming' on 1 ringctl ring wait lists timeout 0.2
	succeeds on 2 ringctl peer add lists node 3 addr 10.9.0.3:7000
	succeeds ring_closed lists 3
	one_each 3 lists
}

# differs WORD PATTERN RING WORDS…: host 2 has another ring at the same port
differs() {
	local pattern=$1
	shift
	host_ring 2 "$@" || bad 'no ring on host 2'
	until_true 20 peer_says 1 here 2 "$pattern" || bad "host 1 says: $(of_peer 1 here 2 why)"
	until_true 20 link_is 1 here 2 refused || bad "link to host 2: $(of_peer 1 here 2 out)"
	on 2 ringctl ring del "$1"
}

about[differences]='another name, another sort of ring, a node id used twice: refused in words'
t_differences() {
	must hosts_start 3
	succeeds host_ring 1 here 3
	succeeds host_ring 3 here 3
	watch 1 here
	differs 'host [12] is on ring (there|here), host [12] on ring (there|here)' there 3
	differs 'host [12] and host [12] differ in identify' here 3 identify
	until_true 20 heard 1 'host-refused node 2 why .*identify' || bad 'no event of the refusal'
	# an old host 1 at the address of host 2
	on 2 ringctl ring add here scope network node 1 listen 10.9.0.2:7000 insecure
	on 2 ringctl peer add here node 2 addr 10.9.0.1:7000
	on 2 ringctl peer add here node 3 addr 10.9.0.3:7000
	until_true 20 peer_says 1 here 2 'host 1 meets itself' || bad "host 1 says: $(of_peer 1 here 2 why)"
	on 2 ringctl ring del here
	succeeds host_ring 2 here 3
	succeeds ring_closed here 3
}

# bytes and packets that left a host
host_sent() { ip -n "h$1" -s link show eth0 | awk '/TX:/ { getline; print $1, $2 }'; }

about[idle]='a ring without traffic sends heartbeats, and nothing else'
t_idle() {
	local before after all bytes packets took h beat=3000
	must hosts_start 3
	succeeds ring_up idle 3 dead $((3 * beat))
	sleep 1
	took=$(ms_now)
	read -r bytes before < <(host_sent 2)
	sleep 9
	read -r all after < <(host_sent 2)
	took=$(($(ms_now) - took))
	packets=$(((after - before) * beat / took)) bytes=$(((all - bytes) * beat / took))
	# one on each of its two links, and an acknowledgement of TCP for each that came
	note "host 2 sent $packets packets and $bytes bytes in the time of a beat, of $took ms in all"
	[ $packets -le 20 ] || bad "$((after - before)) packets in $took ms"
	[ $packets -ge 2 ] || bad "only $((after - before)) packets in $took ms"
	[ $bytes -le $((20 * 100)) ] || bad "$bytes bytes in the time of a beat"
	for h in 1 2 3; do
		equal "messages of host $h" 0 "$(of_ring $h idle sent)"
		equal "links of host $h" 2 "$(of_ring $h idle link_ups)"
	done
}

about[set]='what can be changed of a ring that runs, and what can not'
t_set() {
	must hosts_start 2
	succeeds ring_up set 2 dead 10000
	watch 1 set
	succeeds on 1 ringctl ring set set slow drop
	succeeds on 1 ringctl ring set set mode 0660 owner 7 group 8
	equal slow drop "$(of_ring 1 set slow)"
	equal owner '7 8 0660' "$(of_ring 1 set owner) $(of_ring 1 set group) $(of_ring 1 set mode)"
	succeeds on 1 ringctl ring set set slow evict 250
	equal 'slow for' 250 "$(of_ring 1 set slow_ms)"
	refused 1 'slow, rotate, proxy-timeout, owner, group, mode alone can be set' \
		on 1 ringctl ring set set log 2M
	equal log 1048576 "$(of_ring 1 set log)"
	until_true 20 heard 1 'ring-set' || bad 'no event of the change'
	is_closed 2 set
	is_closed 1 set
	one_each 2 set
}
