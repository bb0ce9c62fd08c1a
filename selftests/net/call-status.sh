# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # variables of call-tests.sh and common.sh
#
# Tests of requests between hosts: status, and how soon it is seen; sourced by call-tests.sh

count_is() { [ "$(count "$1" "$2" "$3")" = "$4" ]; }

# count HOST RING PATTERN: members whose JSON of "ringctl status" matches
count() {
	local n=0 member
	while IFS= read -r -d '}' member; do
		[[ ! $member =~ $3 ]] || n=$((n + 1))
	done < <(on "$1" ringctl -j status "$2")
	echo $n
}

# shown PATTERN N: on all hosts; after $since, $last ms later a look began that showed it, and $missed ms
# later one that did not
shown() {
	local h at none looks=()
	last=0 missed=$since
	for h in ${hosts_known:-1 2 3}; do
		look_for "$h" "$1" "$2" >"$tmp/shown$h" & looks+=($!)
	done
	wait "${looks[@]}"
	for h in ${hosts_known:-1 2 3}; do
		read -r none at <"$tmp/shown$h" || bad "host $h shows $(count "$h" "${ring:-r}" "$1") of $2 with $1"
		[ "${at:-0}" -le "$last" ] || last=$at
		[ "${none:-0}" -le "$missed" ] || missed=$none
	done
	last=$((last - since)) missed=$((missed - since))
	note "$2 with $1: on all hosts after $last ms"
}

# within_second HOST PATTERN: a change of its first member is shown on all hosts; P in PATTERN is the
# new progress. A guest that stands still does not look; the best of three: it may before it is shown
within_second() {
	local n last missed
	for n in 3 4 5; do
		change "one $n" "$1"
		shown "${2/P/$n}" 1
		[ $missed -ge $((1000 * slower)) ] || return 0
	done
	bad "it is not shown after $missed ms"
}

# When the last look began that did not show it, 0: none, and the first that did, if one did
look_for() {
	local none=0 at end=$(($(ms_now) + 20000 * slower))
	while [ "$(ms_now)" -lt $end ]; do
		at=$(ms_now)
		! count_is "$1" "${ring:-r}" "$2" "$3" || { echo "$none $at"; return; }
		none=$at
	done
}

# crowd HOST COUNT FIRST: so many members with a status; changes go through ${to[HOST]}
declare -A to=()
crowd() {
	local fd
	mkfifo "$tmp/in$1"
	: >"$tmp/crowd$1"
	in_host "$1" "$here/call-member" status "${ring:-r}" "$2" "$3"
	"${cmd[@]}" <"$tmp/in$1" >"$tmp/crowd$1" 2>&1 &
	pid[crowd$1]=$!
	exec {fd}>"$tmp/in$1"
	to[$1]=$fd
	until_true 60 said "crowd$1" '^set' || bad "host $1: $(cat "$tmp/crowd$1")"
}

# change LINE HOST…: the last one has been made at $since
change() {
	local h at
	for h in "${@:2}"; do
		echo "$1" >&"${to[$h]}"
	done
	since=0
	for h in "${@:2}"; do
		until_true 20 said "crowd$h" "^$1 at " || bad "host $h does not change"
		at=$(sed -n "s/^$1 at //p" "$tmp/crowd$h")
		[ "${at:-0}" -le "$since" ] || since=$at
	done
}

crowd_ends() {	# HOST
	echo end >&"${to[$1]}"
	ended "crowd$1"
}

about[status]='the status of 200 members on three hosts is everywhere, within a second of a change, and goes with them'
t_status() {
	local h last
	calls_start
	since=$(ms_now)
	crowd 1 67 1000
	crowd 2 67 2000
	crowd 3 66 3000
	shown member 200
	within_second 2 '"node":2,.*"state":2000,"progress":P,"text":"member 2000 again"'
	change 'all 9' 1 2 3
	shown '"progress":9,"text":"member [0-9]+ again"' 200
	for h in 1 2 3; do
		equal "old ones on host $h" 0 "$(count $h r '"progress":[0-8],')"
		on $h "$here/call-member" statuses r >"$tmp/read$h" || bad "a program on host $h cannot read them"
		equal "what a program on host $h reads" 200 "$(grep -cE '^[123] [0-9]+ [123]0[0-9]{2} [1-9][0-9]* member [123]0[0-9]{2} again$' "$tmp/read$h")"
		equal "what ringctl shows there" "$(<"$tmp/read$h")" \
			"$(on $h ringctl status r | awk 'NR > 1 { $1 = ""; print substr($0, 2) }')"
		equal "what host $h and host 1 know" "$(<"$tmp/read1")" "$(<"$tmp/read$h")"
	done
	crowd_ends 2
	since=$(ms_now)
	shown member 133
	kill_member KILL crowd3
	since=$(ms_now)
	shown member 67
	for h in 1 2 3; do
		equal "who is left on host $h" 67 "$(count $h r '"node":1,')"
	done
}

about[board]='who watches the status of 201 members sees a change on another host within a second'
t_board() {
	local h n took best=
	calls_start
	for h in 1 2 3; do
		crowd $h 67 ${h}000
	done
	member 1 watch ringctl status r watch
	until_true 30 shows 201 'member [0-9]+$' || bad "$(grep -cE 'member [0-9]+$' "$tmp/watch") members are shown"
	# the best of three: a guest may stand still for a moment. The file is as old as its last table.
	for n in 7 8 9; do
		change "one $n" 3
		until_true 20 shows 1 " $n +member 3000 again$" || bad "change $n is not shown"
		took=$(($(date -r "$tmp/watch" +%s%3N) - since))
		note "shown after $took ms"
		[ $took -ge "${best:-$took}" ] || best=$took
		best=${best:-$took}
	done
	[ "$best" -lt $((1000 * slower)) ] || bad "it took $best ms"
	for h in 1 2 3; do
		crowd_ends $h
	done
	end_of watch
}

# shows N PATTERN: at least so many lines of the last table
shows() { [ "$(awk -v RS= 'END { print }' "$tmp/watch" | grep -cE -- "$2")" -ge "$1" ]; }
