# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Hosts as network namespaces: to be sourced by bash scripts that run as root,
# in the repository, in a guest with the module loaded.
#
#    h1            h2            h3            hN        each a namespace
#   eth0          eth0          eth0          eth0       10.9.0.i/24, fd09::i/64
#     |             |             |             |
#    p1            p2            p3            pN
#   +-+-------------+-------------+-------------+-+
#   |                 br0                         |      namespace "sw"
#   +---------------------------------------------+
#
# Node i is host i; its ring listens on port 7000. The ring goes 1 -> 2 -> ... -> N -> 1.

export LC_ALL=C
net_dir=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
net_root=$(readlink -f "$net_dir/../..")
flood=$net_dir/flood
# shellcheck source=ktap.sh
. "$net_dir/ktap.sh"
# shellcheck source=../netlink.sh
. "$net_dir/../netlink.sh"
hosts=0			# how many there are
tmp=$(mktemp -d)	# output of what runs in the background
export PATH=$net_root/ctl:$PATH

# --- hosts ---

on() {	# on HOST COMMAND…
	local -a cmd
	in_host "$@"
	"${cmd[@]}"
}

# in_host HOST COMMAND…: in $cmd, what runs it there. ringctl goes there itself, which saves the
# start of a program; nsenter saves the mount namespace that "ip netns exec" makes.
in_host() {
	local host=$1
	shift
	if [ "$1" = ringctl ]; then
		cmd=(ringctl -n "h$host" "${@:2}")
	else
		cmd=(nsenter --net="/run/netns/h$host" "$@")
	fi
}

hosts_start() {	# hosts_start N
	local i
	hosts=$1
	{
		echo "netns add sw"
		for ((i = 1; i <= hosts; i++)); do
			echo "netns add h$i"
		done
	} | ip -batch - || return
	{
		echo "link add br0 up type bridge mcast_snooping 0 forward_delay 0"
		for ((i = 1; i <= hosts; i++)); do
			host_wire $i
		done
	} | ip -n sw -batch - || return
	for ((i = 1; i <= hosts; i++)); do
		host_address $i || return
	done
}

host_wire() {
	echo "link add p$1 type veth peer name eth0 netns h$1"
	echo "link set p$1 master br0 up"
}

host_address() {
	ip -n "h$1" -batch - <<-EOT
		link set lo up
		addr add 10.9.0.$1/24 dev eth0
		addr add fd09::$1/64 dev eth0 nodad
		link set eth0 up
	EOT
}

# host_start HOST: one that had died
host_start() {
	ip netns add "h$1" && host_wire "$1" | ip -n sw -batch - && host_address "$1"
}

hosts_stop() {
	local i
	[ $hosts != 0 ] || return 0
	{
		echo "netns del sw"
		for ((i = 1; i <= hosts; i++)); do
			echo "netns del h$i"
		done
	} | ip -force -batch - 2>/dev/null
	hosts=0
}

jobs_stop() {
	local pids
	pids=$(jobs -p)
	# shellcheck disable=SC2086 # a list of words
	[ -z "$pids" ] || { kill -CONT $pids; kill -KILL $pids; } 2>/dev/null
	wait 2>/dev/null
	pid=()
}

unused() { [ "$(cat /sys/module/dmring/refcnt)" = 0 ]; }

# everything_gone: of a test; nothing of it holds the module any more
everything_gone() {
	jobs_stop
	hosts_stop
	until_true 30 unused || bad "the module is still in use: $(cat /sys/module/dmring/refcnt)"
	rm -f "$tmp"/*
}

# tests_in FILE…: names of its tests, which are functions
tests_in() { grep -ohE '^t_[a-z0-9_]+' "$@" | sed 's/^t_//'; }

# run_tests WORDS NAME…: each in its turn; ${about[NAME]} says what it is about
run_tests() {
	local words=$1 name begin
	shift
	plan $#
	must [ -x "$flood" ]
	for name; do
		begin=$SECONDS
		"t_$name"
		everything_gone
		note "$name took $((SECONDS - begin)) s"
		verdict "$name$words: ${about[$name]}"
	done
	finish
}

cleanup() {
	jobs_stop
	hosts_stop
	rm -rf "$tmp"
}
trap cleanup EXIT

# --- rings ---

# ring_up RING N WORDS…: on hosts 1..N, closed when it returns
ring_up() {
	local ring=$1 n=$2 i
	shift 2
	for ((i = 1; i <= n; i++)); do
		host_ring "$i" "$ring" "$n" "$@" || return
	done
	ring_closed "$ring" "$n"
}

# host_ring HOST RING N WORDS…: the ring and its peers on one host
host_ring() {
	local i=$1 ring=$2 n=$3 j
	shift 3
	{
		echo "ring $ring scope network node $i listen $(address "$i") insecure $*"
		for ((j = 1; j <= n; j++)); do
			[ "$j" = "$i" ] || echo "peer $ring node $j addr $(address "$j")"
		done
	} >"$tmp/conf$i"
	on "$i" ringctl up "$tmp/conf$i"
}

address() {
	[ -z "${ipv6:-}" ] && echo "10.9.0.$1:7000" || echo "[fd09::$1]:7000"
}

ring_closed() {	# RING N [SECONDS]
	local i
	for ((i = 1; i <= $2; i++)); do
		on "$i" ringctl ring wait "$1" timeout $((${3:-20} * slower)) || return
	done
}

ring_down() {	# RING N
	local i
	for ((i = 1; i <= $2; i++)); do
		on "$i" ringctl ring del "$1" || return
	done
}

# of_ring HOST RING FIELD: a value of "ring show", statistics too
of_ring() {
	local all
	all=$(on "$1" ringctl -j -s ring show "$2")
	if [[ $all =~ \"$3\":\ ?\"?([^\",}]*) ]]; then
		echo "${BASH_REMATCH[1]}"
	fi
}

# of_peer HOST RING NODE FIELD: of "peer show"
of_peer() {
	local all
	all=$(on "$1" ringctl -j -s peer show "$2")
	if [[ $all =~ \"node\":\ ?$3,([^}]*) && ${BASH_REMATCH[1]} =~ \"$4\":\ ?(\"[^\"]*|[0-9]+) ]]; then
		echo "${BASH_REMATCH[1]#\"}"
	fi
}

# members_are HOST RING N
members_are() { [ "$(of_ring "$1" "$2" members)" = "$3" ]; }

# peer_says HOST RING NODE PATTERN: in its "why"
peer_says() { of_peer "$1" "$2" "$3" why | grep -qE -- "$4"; }

# link_is HOST RING NODE STATE: of the link from HOST to NODE. One that is refused tries again and
# again, and is not "refused" while it does.
link_is() { [ "$(of_peer "$1" "$2" "$3" out)" = "$4" ]; }

# state_is HOST RING STATE
state_is() { [ "$(of_ring "$1" "$2" state)" = "$3" ]; }

# is_closed HOST RING: a link may break when the machine stands still, and is soon back
is_closed() {
	until_true 20 state_is "$1" "$2" closed || bad "host $1: the ring is $(of_ring "$1" "$2" state)"
}

# --- members ---

# member HOST NAME COMMAND…: in the background; output in $tmp/NAME, process id in ${pid[NAME]}
declare -A pid=()
member() {
	local host=$1 name=$2
	local -a cmd
	shift 2
	: >"$tmp/$name"
	in_host "$host" "$@"
	"${cmd[@]}" >"$tmp/$name" 2>&1 &
	pid[$name]=$!
}

# go_on NAME PASSED ALL: senders rest after each message until now ("flood send -u US -g $tmp/NAME");
# of ALL messages, not all may have passed before
go_on() {
	note "$2 of $3 messages had passed"
	[ "$2" -lt "$3" ] || bad 'all messages had passed before'
	: >"$tmp/$1.go"
}

# receiver HOST NAME OPTIONS… RING: attached when it returns
receiver() {
	local host=$1 name=$2
	shift 2
	member "$host" "$name" "$flood" recv "$@"
	until_true 30 grep -q attached "$tmp/$name" || bad "$name does not attach: $(cat "$tmp/$name")"
}

sender() {	# HOST NAME OPTIONS… RING
	local host=$1 name=$2
	shift 2
	member "$host" "$name" "$flood" send "$@"
}

# ended NAME…: wait for each; its status has to be 0, and its last line is shown if not
ended() {
	local name status
	for name; do
		wait "${pid[$name]}"
		status=$?
		[ $status = 0 ] || bad "$name: status $status: $(tail -n 3 "$tmp/$name")"
	done
}

# result NAME: what it said last
result() { tail -n 1 "$tmp/$1"; }

# kill_member SIGNAL NAME…
kill_member() {
	local sig=$1 name
	shift
	for name; do
		kill "-$sig" "${pid[$name]}"
		# the shell has nothing to tell about it
		[ "$sig" != KILL ] || wait "${pid[$name]}" 2>/dev/null
	done
}

# watch HOST RING: what "ringctl monitor" says goes to $tmp/monitorHOST, from when this returns
watch() {
	member "$1" "monitor$1" ringctl monitor "$2"
	until_true 30 subscribed "${pid[monitor$1]}" ||
		bad "the monitor on host $1 does not listen: $(cat "$tmp/monitor$1")"
}

# heard HOST PATTERN: has the monitor said so?
heard() { grep -qE -- "$2" "$tmp/monitor$1"; }

# --- cuts; each can be undone ---

# Nothing passes between two hosts: in silence, or with an answer ("reset")
cut_link() {	# A B [reset]
	local rule=drop
	[ "${3:-}" != reset ] || rule="meta l4proto tcp reject with tcp reset"
	on "$2" nft -f - <<-EOT
		table inet cut$1 {
			chain in { type filter hook input priority 0; ip saddr 10.9.0.$1 $rule; }
			chain out { type filter hook output priority 0; ip daddr 10.9.0.$1 $rule; }
		}
	EOT
}

# Nothing passes from A to B; the other way everything does
cut_one_way() {	# A B
	on "$2" nft -f - <<-EOT
		table inet cut$1 {
			chain in { type filter hook input priority 0; ip saddr 10.9.0.$1 drop; }
		}
	EOT
}

heal_link() {	# A B
	on "$2" nft delete table inet "cut$1"
}

unplug() { ip -n sw link set "p$1" down; }
plug() { ip -n sw link set "p$1" up; }

# The connections between A and B end at once; new ones can be made
reset_link() {	# A B
	on "$1" ss -K -t dst "10.9.0.$2" >/dev/null
}
