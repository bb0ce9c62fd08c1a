# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # variables of call-tests.sh and common.sh
#
# Tests of requests between hosts: what members see of each other, and what they do not; sourced by call-tests.sh

# answer_of HOST WORDS…: what a client on host 3 sees of the answer of a server there
answer_of() {
	calls_ring "${@:2}"
	server "$1" serve serve r look
	known r look "$1:1"
	part 3 "look$1" look r "$tmp/areas$1"
	ended "look$1"
	kill_member KILL serve
	must ring_down r 3
}

# message_of HOST WORDS…: what a server on host 3 sees of a message and a one-way request from there,
# and what netlink tells
message_of() {
	calls_ring "${@:2}"
	server 3 "look$1" see r "$tmp/areas$1"
	known r look 3:1
	part "$1" tell tell r look
	until_true 30 said "look$1" ' areas$' || bad "nothing comes from host $1: $(cat "$tmp/look$1")"
	[ "${2:-}" = identify ] || netlink_tells "$1"
	end_of tell "look$1"
	must ring_down r 3
}

# netlink_tells HOST: on host 3, who may not administrate and who may, without random numbers, the
# receiver's own process, and since when it is the proxy
netlink_tells() {
	# shellcheck disable=SC2016 # for sh
	local show='for what in "ring show" "member show" "service show" "peer show" "proxy show" "view show" status
		do ringctl -j -s $what r || echo "$what: status $?"
		done'
	on 3 setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all sh -c "$show" \
		>"$tmp/netlink$1"
	on 3 ringctl -j -s peer show r >"$tmp/admin$1"
	sed -E -i 's/"(incarnation|pid|since_ms|served_ms)": ?"?[0-9a-f]+"?/"\1":0/g' "$tmp/netlink$1" "$tmp/admin$1"
}

# both_seen FUNCTION WORDS…: of hosts 1 and 2, after rings that formed with the same events; which
# these are has to do with when links came up
both_seen() {
	local try
	"$1" 1 "${@:2}"
	for ((try = 0; try < 16; try++)); do
		"$1" $((2 - try % 2)) "${@:2}"
		[ "$(grep ^events "$tmp/look1")" != "$(grep ^events "$tmp/look2")" ] || return 0
		note "formed anew: $(grep -h ^events "$tmp/look1" "$tmp/look2" | xargs)"
	done
	bad 'the rings never form alike'
}

# alike WHAT: so are both files of it
alike() {
	cmp -s "$tmp/${1}1" "$tmp/${1}2"
}

# hides FUNCTION: it does not show which host it was, but with identify it does
hides() {
	must hosts_start 3
	both_seen "$1"
	alike areas || bad "the areas differ: $(cmp -l "$tmp/areas1" "$tmp/areas2" | head | xargs)"
	note "$(result look1), after $(grep ^events "$tmp/look1")"
	"${@:2}"
	both_seen "$1" identify
	alike areas && bad 'a source that is there is not found'
	matches 'of host 1' '^from node 1 uid 0 gid 0 pid' "$(cat "$tmp/look1")"
	matches 'of host 2' '^from node 2 uid 0 gid 0 pid' "$(cat "$tmp/look2")"
}

about[replies]='who asks sees of an answer the same bytes, whichever host it comes from; with identify not'
t_replies() { hides answer_of; }

about[seen]='who serves sees of a message and a request the same bytes, and so does netlink, whichever host they come from; with identify not'
t_seen() { hides message_of netlink_hides; }

# netlink_hides: what those may see who administrate shows that there is something to hide
netlink_hides() {
	local what
	alike netlink || bad "netlink tells: $(diff "$tmp/netlink1" "$tmp/netlink2")"
	for what in name comm members addr stable term quorum; do
		said netlink1 "\"$what\":" || bad "netlink does not tell of $what"
	done
	note "$(wc -c <"$tmp/netlink1") bytes of netlink's answers"
	alike admin && bad 'with privilege netlink does not tell either'
}

about[identify]='with identify the kernels say who asked and who answered: process, user, group and host'
t_identify() {
	calls_start identify
	member 3 serve setpriv --reuid=1003 --regid=2003 --clear-groups "$here/call-member" serve r work
	until_true 30 said serve '^serving' || bad "nobody serves: $(cat "$tmp/serve")"
	known r work 3:1
	member 1 ask1 setpriv --reuid=1001 --regid=2001 --clear-groups "$here/call-member" ask r work 3 1
	ended ask1
	member 2 ask2 setpriv --reuid=1002 --regid=2002 --clear-groups "$here/call-member" ask r work 3 1
	ended ask2
	equal 'of clients' "from node 1 uid 1001 gid 2001 pid ${pid[ask1]} from node 2 uid 1002 gid 2002 pid ${pid[ask2]}" \
		"$(grep from "$tmp/serve" | xargs)"
	equal 'of the server, on host 1' "from node 3 uid 1003 gid 2003 pid ${pid[serve]}" "$(grep from "$tmp/ask1")"
	equal 'of the server, on host 2' "from node 3 uid 1003 gid 2003 pid ${pid[serve]}" "$(grep from "$tmp/ask2")"
}
