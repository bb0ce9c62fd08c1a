#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ringctl and the netlink family: grammar, JSON names, every refusal, permissions,
# messages, a ring of two hosts. KTAP; as root, in a guest, in the repository.
#
#   ns a                                ns b
#   ring "two" node 1  ------------->   ring "two" node 2
#   10.9.0.1:5000      <-------------   10.9.0.2:5000
#           a0 ------------------------- b0   (veth)

set -u
# shellcheck source=netlink.sh
. "$(dirname "$(readlink -f "$0")")/netlink.sh"
export PATH=$PWD/ctl:$PATH
dir=$(mktemp -d)
number=0 failed=0
loaded=

ok() {
	number=$((number + 1))
	echo "ok $number $1"
}

not_ok() {
	number=$((number + 1))
	failed=$((failed + 1))
	echo "not ok $number $1"
	sed 's/^/# /' "$dir/out" "$dir/err"
}

# run STATUS NAME COMMAND...: its exit status
run() {
	local want=$1 name=$2 status=0
	shift 2
	"$@" > "$dir/out" 2> "$dir/err" < /dev/null || status=$?
	if [ $status = "$want" ]; then
		ok "$name"
	else
		echo "# status $status, not $want: $*"
		not_ok "$name"
	fi
}

# says STATUS SENTENCE COMMAND...: exit status, and the whole of stderr
says() {
	local want=$1 sentence=$2 status=0
	shift 2
	"$@" > "$dir/out" 2> "$dir/err" < /dev/null || status=$?
	if [ $status = "$want" ] && [ "$(<"$dir/err")" = "ringctl: $sentence" ]; then
		ok "${*@Q} : $sentence"
	else
		echo "# status $status, not $want; wanted: ringctl: $sentence"
		not_ok "$*"
	fi
}

# refused REGEX COMMAND...: status 1, and one sentence that says what REGEX says
refused() {
	local want=$1 status=0 lines
	shift
	"$@" > "$dir/out" 2> "$dir/err" < /dev/null || status=$?
	mapfile -t lines < "$dir/err"
	if [ $status = 1 ] && [ ${#lines[@]} = 1 ] && [[ ${lines[0]} =~ ^"ringctl: ".*$want ]]; then
		ok "${*@Q} : ${lines[0]#ringctl: }"
	else
		echo "# status $status; wanted: $want"
		not_ok "$*"
	fi
}

# One for all: on an emulated machine it takes seconds to start. A line in is a file and an
# expression over it: "text" is what it holds, "a" the JSON in it, "lines" the JSON in each
# line. A line out is what the expression is.
coproc judge {
	exec python3 -IS -u -c '
import json, sys

def lines(text):
	return [json.loads(line) for line in text.splitlines()]

for line in sys.stdin:
	try:
		name, expression = line.split(None, 1)
		names = {"text": open(name).read()}
		if "lines" in expression:
			names["lines"] = lines(names["text"])
		else:
			names["a"] = json.loads(names["text"])
		answer = eval("(" + expression.rstrip() + ")", names)
	except Exception as e:
		answer = type(e).__name__ + ": " + str(e)
	print(str(answer).replace("\n", " "))
'
}

# value EXPRESSION COMMAND...: over what the command prints; in $answer
value() {
	local expression=$1
	shift
	"$@" > "$dir/out" 2> "$dir/err" < /dev/null
	printf '%s %s\n' "$dir/out" "${expression//$'\n'/ }" >&"${judge[1]}"
	answer='it says nothing'
	read -r -t 60 answer <&"${judge[0]}"
}

# holds NAME EXPRESSION COMMAND...: a Python expression over the command's JSON, as "a"
holds() {
	local name=$1 answer
	shift
	value "$@"
	if [ "$answer" = True ]; then
		ok "$name"
	else
		echo "$answer" >> "$dir/err"
		not_ok "$name: $1"
	fi
}

# same NAME FILE FILE
same() {
	run 0 "$1" cmp "$2" "$3"
}

# answered STATUS NAME INPUT OUT ERR COMMAND...: what it says, given INPUT; all as printf has them
answered() {
	local want=$1 name=$2 input=$3 out=$4 err=$5 status=0
	shift 5
	# shellcheck disable=SC2059 # they are formats
	printf "$input" | "$@" > "$dir/out" 2> "$dir/err" || status=$?
	# shellcheck disable=SC2059
	printf "$out" > "$dir/want.out"
	# shellcheck disable=SC2059
	printf "$err" > "$dir/want.err"
	if [ $status = "$want" ] && cmp -s "$dir/out" "$dir/want.out" &&
			cmp -s "$dir/err" "$dir/want.err"; then
		ok "$name"
	else
		echo "# status $status, not $want; wanted: ${out@Q} ${err@Q}"
		not_ok "$name"
	fi
}

# ended STATUS WANT NAME: how a program in the background ended, whose stderr is in recv.err
ended() {
	: > "$dir/out"
	cp "$dir/recv.err" "$dir/err"
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		echo "# status $1, not $2"
		not_ok "$3"
	fi
}

# until_true COMMAND...: tries for 20 seconds at least
until_true() {
	local i
	for i in $(seq 200); do
		"$@" > /dev/null 2>&1 && return 0
		sleep 0.1
	done
	return 1
}

# listen PID...
listen() {
	local pid
	for pid; do
		subscribed "$pid" || return
	done
}

members() {
	[ "$(ringctl member show "$1" | wc -l)" -ge "$2" ]
}

# offered RING SERVICE N: by N members
offered() {
	ringctl service show "$1" | grep -Eq "^$1 +$2 +0 +$3 "
}

# gone PID: ended, whether or not somebody has heard of it
gone() {
	! grep -q '^State:.[^XZ]' "/proc/$1/status"
}

has_lines() {
	[ "$(wc -l < "$1")" -ge "$2" ]
}

unprivileged() {
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$@"
}

echo "TAP version 13"

if [ -d /sys/module/dmring ]; then
	ok "module is there # SKIP without it"
else
	says 1 "this kernel has no dmring: load the module (modprobe dmring)" ringctl ring show
	insmod "${DMRING_MODULE:-kmod/dmring.ko}" || exit 1
	loaded=1
fi

# --- usage: status 2, the word is named ---

says 2 'an object is missing, see "ringctl help"' ringctl
says 2 'unknown word "rung", see "ringctl help"' ringctl rung
says 2 'a verb is missing, see "ringctl ring help"' ringctl ring
says 2 'unknown verb "make", see "ringctl ring help"' ringctl ring make
says 2 'unknown flag "-x", see "ringctl help"' ringctl -x ring show
says 2 'unknown flag "-jx", see "ringctl help"' ringctl -jx ring show
says 2 'the name of a network namespace is missing' ringctl -j -n
says 2 '"a/b" is no name of a network namespace' ringctl --netns a/b ring show
says 2 '".." is no name of a network namespace' ringctl -n .. ring show
says 1 'there is no network namespace "nowhere"; "ip netns" lists them' ringctl -n nowhere ring show
says 2 'the name of a ring is missing' ringctl ring add
says 2 'unknown word "colour"' ringctl ring add r colour red
says 2 '"scope" needs a value' ringctl ring add r scope
says 2 '"scope": unknown word "galaxy"' ringctl ring add r scope galaxy
says 2 '"scope" is given twice' ringctl ring add r scope machine scope machine
says 2 '"order": unknown word "lifo"' ringctl ring add r order lifo
says 2 '"node": bad number "x"' ringctl ring add r node x
says 2 '"node": bad number "-1"' ringctl ring add r node -1
says 2 '"node": bad number "4294967296"' ringctl ring add r node 4294967296
says 2 '"slots": bad number "1k"' ringctl ring add r slots 1k
says 2 '"log": bad number of bytes "1X"' ringctl ring add r log 1X
says 2 '"log": bad number of bytes "99999999999999G"' ringctl ring add r log 99999999999999G
says 2 '"mode": bad number "0688"' ringctl ring add r mode 0688
says 2 '"owner": bad number "no-such-user"' ringctl ring add r owner no-such-user
says 2 '"slow": unknown word "away"' ringctl ring add r slow away
says 2 '"slow evict" needs a value' ringctl ring add r slow evict
says 2 '"slow evict": bad number "soon"' ringctl ring add r slow evict soon
for addr in 10.0.0.1 10.0.0.1: 10.0.0.1:0 10.0.0.1:65536 300.0.0.1:1 ::1:5000 '[::1:5000' '[zz]:1' :5; do
	says 2 "\"listen\": bad address \"$addr\", write ADDR:PORT or [ADDR]:PORT" \
		ringctl ring add r listen "$addr"
done
says 2 'unknown word "more"' ringctl ring del r more
says 2 'unknown word "more"' ringctl ring show r more
says 2 '"timeout": bad number of seconds "x"' ringctl ring wait r timeout x
says 2 '"node" is missing' ringctl peer add r addr 10.0.0.1:1
says 2 '"addr" is missing' ringctl peer add r node 2
says 2 '"node" is missing' ringctl peer del r
says 2 '"member evict NAME": bad number "x"' ringctl member evict r x
says 2 '"size" is missing' ringctl send r count 1
says 2 '"count" needs a value' ringctl recv r count
says 2 '"count" is missing' ringctl send r service s size 1
says 2 '"each" needs "service"' ringctl send r each
says 2 'unknown word "each"' ringctl recv r service s each
says 2 '"service" needs a value' ringctl recv r service
says 2 'the name of a ring is missing' ringctl call
says 2 '"service" is missing' ringctl call r
says 2 '"service" needs a value' ringctl call r service
says 2 '"service" is given twice' ringctl call r service s service s
says 2 'unknown word "each"' ringctl call r service s each
says 2 '"timeout": bad number of seconds "-1"' ringctl call r service s timeout -1
says 2 'the name of a ring is missing' ringctl serve
says 2 '"service" is missing' ringctl serve r
says 2 '"service" is missing before "cat"' ringctl serve r cat
says 2 '"service" needs a value' ringctl serve r service
says 2 'the command is missing' ringctl serve r service s
says 2 '"parallel": bad number "many"' ringctl serve r parallel many service s cat
for n in 0 1025; do
	says 2 '"parallel" is a number from 1 to 1024' ringctl serve r parallel $n service s cat
done
says 2 '"service" is missing before "timeout"' ringctl serve r parallel 2 timeout 5 service s cat
says 2 'a verb is missing, see "ringctl service help"' ringctl service
says 2 'unknown verb "list", see "ringctl service help"' ringctl service list
says 2 'unknown word "more"' ringctl service show r more
says 2 'unknown word "look"' ringctl status r look
says 2 'unknown word "more"' ringctl status r watch more
says 2 'the name of a file is missing' ringctl up
says 2 '"attempt" is missing' ringctl view prepare r number 2
says 2 '"hosts" is missing' ringctl view fill r number 2 attempt 1 prev 1
for list in 1 1: :1 x:1 1:z 1:1:goes 1:1:stays:x 4294967296:1 1:1,; do
	says 2 '"hosts": a host is ID:INCARNATION[:stays]' \
		ringctl view fill r number 2 attempt 1 prev 1 hosts $list
done
for list in 1 1:a 1:5:bored 1:18446744073709551616; do
	says 2 '"cut": a host is ID:MESSAGES[:REASON]' \
		ringctl view fill r number 2 attempt 1 prev 1 hosts 1:1 cut $list
done
says 2 '"hosts": the list is too long' \
	ringctl view fill r number 2 attempt 1 prev 1 hosts "$(printf '1:1,%.0s' {1..1100})"
for object in ring peer member proxy view service status monitor send recv call serve up down; do
	run 0 "$object help" ringctl $object help
done
run 0 "help" ringctl help
run 0 "--version" ringctl --version

# --- refusals: status 1, the kernel's sentence, nothing changes ---

add() { ringctl ring add "$@"; }
long=$(printf 'n%.0s' {1..32})
network=(scope network insecure)

says 1 'the name of the ring is missing or empty' add ''
says 1 'the name of a ring has at most 31 bytes' add "$long"
for name in a/b 'a b' $'a\tb' $'a\nb' $'a\x01b' $'a\x7fb'; do
	says 1 'the name of a ring has no slash, blank or control character' add "$name"
done
for size in 100000 32K 2G 0; do
	refused 'log.*power of two' add r log $size
done
says 1 '"slots" is a number from 1 to 4096, not 0' add r slots 0
says 1 '"slots" is a number from 1 to 4096, not 4097' add r slots 4097
says 1 '"slow evict" is from 1 to 3600000 ms, not 0' add r slow evict 0
says 1 '"mode" is from 0 to 777, not 1000' add r mode 1000
says 1 '"max" is from 1 to 1048576 bytes, not 1048577' add r max 1048577
says 1 '"dead" is from 30 to 60000 ms, not 5' add r "${network[@]}" dead 5
refused 'largest|log|message' add r log 64K max 1M
refused "scope network" add r node 1
refused "scope network" add r listen 127.0.0.1:5000
refused "scope network" add r dead 200
refused "scope network" add r insecure
refused 'needs "node"' \
	add r "${network[@]}" listen 127.0.0.1:5000
says 1 '"node" is a number from 1 to 4294967295, not 0' add r "${network[@]}" node 0
refused 'needs "listen"' add r "${network[@]}" node 1
refused 'TLS.*"insecure"' \
	add r scope network node 1 listen 127.0.0.1:5000
refused '.' add r "${network[@]}" node 1 listen 203.0.113.9:5000
for what in "ring del" "ring show" "ring wait" "ring set" "peer show" "member show" "proxy show" \
		"view show" "service show" "status" "recv" "send"; do
	# shellcheck disable=SC2086 # two words
	says 1 'there is no ring "r" here' ringctl $what r
done
says 1 'there is no ring "r" here' ringctl status r watch
for what in "recv r service s" "send r service s" "call r service s" "serve r service s cat"; do
	# shellcheck disable=SC2086 # words
	says 1 'there is no ring "r" here' ringctl $what
done
says 1 'there is no ring "r" here' ringctl peer add r node 2 addr 10.0.0.1:1
says 1 'there is no ring "r" here' ringctl member evict r 1
says 1 'there is no ring "r" here' ringctl view prepare r number 2 attempt 1
says 1 'there is no ring "r" here' ringctl proxy elect r member 3
refused '"rotate" is from 1 to 86400 s or never, not 0' \
	add r "${network[@]}" node 1 listen 127.0.0.1:5000 rotate 0
refused '"proxy-timeout" is from 10 to 3600000 ms, not 9' \
	add r "${network[@]}" node 1 listen 127.0.0.1:5000 proxy-timeout 9
refused '"rotate" and "proxy-timeout" go with scope network' add r rotate 5
holds "nothing was made by all this" "a == []" ringctl -j ring show
holds "service show: nor is anything served" "a == []" ringctl -j service show
holds "status: nor does anybody say anything" "a == []" ringctl -j status

run 0 "add: small messages" add small "${network[@]}" node 1 listen 127.0.0.1:5000 max 64
refused 'requests and status between machines need a "max" of at least 128 bytes' \
	ringctl serve small service s cat
run 0 "peer add" ringctl peer add small node 2 addr 127.0.0.1:5001
# what another host would have to know to pass for this one
shown='ringctl -j ring show small; ringctl -j peer show small; ringctl -j view show small'
own=$(ringctl -j ring show small | sed -nE 's/.*"incarnation": ?"([0-9a-f]+)".*/\1/p')
run 0 "incarnation" sh -c "{ $shown; } | grep -q \"${own:-none}\""
# shellcheck disable=SC2016 # for the inner shell
run 0 "without CAP_NET_ADMIN: none" unprivileged sh -c \
	'said=$(eval "$1") && [ -n "$said" ] && ! echo "$said" | grep -E "$2|incarnation\": ?\""' - "$shown" "${own:-none}"
run 0 "del" ringctl ring del small

# --- a machine's ring ---

run 0 "add" add r
refused 'ring "r".*already' add r
refused 'scope machine.*no peers' ringctl peer add r node 2 addr 10.0.0.1:1
refused 'no member 7' ringctl member evict r 7
refused 'slow, rotate, proxy-timeout, owner, group, mode' ringctl ring set r log 2M
refused '"rotate" and "proxy-timeout" go with scope network' ringctl ring set r proxy-timeout 500
refused 'scope machine.*no proxy' ringctl proxy elect r
refused 'scope machine.*no views' ringctl view prepare r number 2 attempt 1
refused 'scope machine.*no views' ringctl view show r
holds "view show: rings of scope network alone" "a == []" ringctl -j view show
holds "ring show: names" \
	'{"name", "scope", "order", "node", "state", "members", "hosts", "proxy", "view", "stats",
	  "log", "slots", "max_msg", "slow", "mem_ring", "mem_member"} <= set(a[0])' ringctl -j ring show r
holds "ring show: kinds" \
	'all(type(a[0][n]) is int for n in ("node", "members", "hosts", "view", "log", "mem_ring")) and
	 all(type(a[0][n]) is str for n in ("name", "scope", "order", "state", "slow")) and
	 {"member", "pid", "term"} <= set(a[0]["proxy"]) and a[0]["proxy"]["member"] is None and
	 all(type(v) is int for v in a[0]["stats"].values())' ringctl -j ring show r
holds "ring show: defaults" \
	'(a[0]["name"], a[0]["scope"], a[0]["order"], a[0]["state"], a[0]["log"], a[0]["slots"],
	  a[0]["slow"], a[0]["slow_ms"], a[0]["mode"], a[0]["owner"], a[0]["members"]) ==
	 ("r", "machine", "fifo", "up", 1048576, 4096, "evict", 1000, "0600", 0, 0)' ringctl -j ring show
holds "-p indents the same" 'len(a) == 1 and text.count("\n") > 20' \
	ringctl -jp ring show
for order in total safe; do
	run 0 "order $order" ringctl ring add ordered order $order
	holds "order $order is shown" "a[0]['order'] == '$order'" ringctl -j ring show ordered
	run 0 "del it" ringctl ring del ordered
done
run 0 "flags one by one" ringctl -j -p --stats ring show
run 0 "wait: up is as good as closed" ringctl ring wait r timeout 5
run 0 "set" ringctl ring set r slow drop owner 1000 group 1001 mode 0660
holds "set has changed it" '(a[0]["slow"], a[0]["owner"], a[0]["group"], a[0]["mode"]) ==
	("drop", 1000, 1001, "0660")' ringctl -j ring show r
# those who are not scheduled for a while are not thrown out
run 0 "set, by name" ringctl ring set r slow evict 60000 owner root group root
run 0 "text has statistics with -s" sh -c 'ringctl -s ring show r | grep -q "stats messages 0"'
run 1 "and only then" sh -c 'ringctl ring show r | grep -q stats'

# --- members and messages ---

seq 1 20000 > "$dir/lines"
ringctl recv r count 20000 timeout 60 > "$dir/got" 2> "$dir/recv.err" &
receiver=$!
until_true members r 1
holds "member show: names" \
	'{"ring", "id", "pid", "comm", "weight", "willing", "services", "backlog"} <= set(a[0]) and
	 a[0]["services"] == [] and a[0]["willing"] is True and a[0]["comm"] == "ringctl" and
	 a[0]["pid"] == '$receiver ringctl -j member show r
run 0 "send lines" sh -c "ringctl send r < $dir/lines"
wait $receiver
ended $? 0 "recv: status"
same "recv: every line, in order" "$dir/lines" "$dir/got"
holds "counted" 'a[0]["stats"]["messages"] == 20000' ringctl -j ring show r

printf 'a\0b\n\n\xff\xfe last' > "$dir/binary"
ringctl recv r count 3 timeout 30 > "$dir/got" &
receiver=$!
until_true members r 1
run 0 "send: NUL, an empty line, no newline at the end" sh -c "ringctl send r < $dir/binary"
wait $receiver
(cat "$dir/binary"; echo) > "$dir/lines"
same "recv: the same" "$dir/lines" "$dir/got"

ringctl recv r count 100 timeout 30 raw > "$dir/got" &
receiver=$!
until_true members r 1
run 0 "send count size" ringctl send r count 100 size 1K
wait $receiver
run 0 "recv raw: payload alone" test "$(stat -c %s "$dir/got")" = 102400

value 'a[0]["max_msg"]' ringctl -j ring show r
max=$answer
{ echo fits; head -c $((max + 1)) /dev/zero | tr '\0' x; } > "$dir/lines"
says 1 "line 2 is longer than this ring's largest message, $max bytes" \
	sh -c "ringctl send r < $dir/lines"
says 1 "the largest message of this ring is $max bytes" ringctl send r count 1 size $((max + 1))
says 1 "timed out after 0 messages" ringctl recv r timeout 0.3

ringctl recv r > "$dir/got" 2> "$dir/recv.err" &
receiver=$!
until_true members r 1
kill -TERM $receiver
wait $receiver
ended $? 0 "recv: SIGTERM ends it cleanly"

ringctl recv r > "$dir/got" 2> "$dir/recv.err" &
receiver=$!
until_true members r 1
ringctl send r count 3 size 2
value 'a[0]["id"]' ringctl -j member show r
run 0 "evict" ringctl member evict r "$answer"
wait $receiver
ended $? 1 "recv: evicted"
run 0 "recv: says so" grep -q 'no longer a member' "$dir/recv.err"

# shellcheck disable=SC2016 # for the inner shell
timeout 60 sh -c 'ringctl recv r 2> "$1" | head -n 3 > "$2"' - "$dir/recv.err" "$dir/got" &
receiver=$!
until_true members r 1
run 0 "(50,000 messages for it)" sh -c 'seq 50000 | ringctl send r'
wait $receiver
# shellcheck disable=SC2016 # for the inner shell
run 0 "recv: ends with its reader, in silence" \
	sh -c '[ "$1" = 0 ] && [ ! -s "$2" ] && [ "$(wc -l < "$3")" = 3 ]' - $? "$dir/recv.err" "$dir/got"

# --- services and requests ---

for what in "recv r service" "send r service" "call r service"; do
	for name in $'a\tb' $'a\nb' $'a\x7fb'; do
		# shellcheck disable=SC2086 # words
		says 1 "a control character in a service's name" \
			sh -c 'echo | ringctl "$@"' - $what "$name"
	done
	# shellcheck disable=SC2086
	says 1 "a service's name has at most 31 bytes" sh -c 'echo | ringctl "$@"' - $what "$long"
	# shellcheck disable=SC2086
	says 1 "no name of a service" sh -c 'echo | ringctl "$@"' - $what ""
done
says 1 "a control character in a service's name" ringctl serve r service $'a\nb' cat
says 1 "a service's name has at most 31 bytes" ringctl serve r service "$long" cat
says 1 "no name of a service" ringctl serve r service "" cat
answered 1 "call: nobody serves it" 'a\nb\n' '' \
	'ringctl: line 1: "none": nobody serves it\nringctl: line 2: "none": nobody serves it\n' \
	ringctl call r service none
answered 1 "send: nobody serves it" 'a\n' '' 'ringctl: line 1: "none": nobody serves it\n' \
	ringctl send r service none
answered 1 "send each: nobody serves it" 'a\n' '' 'ringctl: line 1: "none": nobody serves it\n' \
	ringctl send r service none each
run 0 "call: nothing to ask" ringctl call r service none

# serve SERVICE ARGS...: ringctl serve r ARGS...; it is there
serve() {
	ringctl serve r "${@:2}" 2> "$dir/recv.err" &
	server=$!
	until_true offered r "$1" 1
}

# unserve NAME: it ends
unserve() {
	kill -TERM $server
	wait $server
	ended $? 0 "$1"
}

serve "to upper" service "to upper" tr a-z A-Z
answered 0 "call: a line, a reply" 'hello\nmore of it\n' 'HELLO\nMORE OF IT\n' '' \
	ringctl call r service "to upper"
answered 0 "call: NUL, an empty line, no newline at the end" 'a\0b\n\n\377\376 last' \
	'A\0B\n\n\377\376 LAST\n' '' ringctl call r service "to upper" timeout 20
holds "service show" \
	'a == [{"ring": "r", "service": "to upper", "node": 0, "members": 1, "busy": 0}]' \
	ringctl -j service show r
holds "service show: all rings" '[(s["ring"], s["service"]) for s in a] == [("r", "to upper")]' \
	ringctl -j service show
run 0 "service show as a table" \
	sh -c 'ringctl service show r | grep -q "^ring *service *node *members *busy$"'
holds "member show: services" \
	'[(m["pid"], m["services"], m["calls"], m["held"]) for m in a] ==
	 [('$server', ["to upper"], 0, 0)]' ringctl -j member show r
run 0 "member show: services as text" sh -c 'ringctl member show r | grep -q "services to upper"'
# shellcheck disable=SC2016 # for the inner shell
run 0 "service show without CAP_NET_ADMIN" \
	sh -c 'setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
		"$(command -v ringctl)" service show r | grep -q "to upper"'
holds "member show without CAP_NET_ADMIN: nothing that counts messages" \
	'{m[k] for m in a for k in ("backlog", "sent", "dropped", "rejected", "calls")} == {None}' \
	unprivileged ringctl -j member show r
run 1 "mode 0600: no calling" unprivileged ringctl call r service "to upper"
head -c 61440 /dev/zero | tr '\0' x > "$dir/lines"
# shellcheck disable=SC2016 # for the inner shell
run 0 "call: the largest request" \
	sh -c 'ringctl call r service "to upper" < "$1" | tr -d "X\n" | cmp - /dev/null' - "$dir/lines"
{ cat "$dir/lines"; printf 'x\nshort\n'; } > "$dir/long"
# shellcheck disable=SC2016
answered 1 "call: a line that is too long, and the next one" '' 'SHORT\n' \
	'ringctl: line 1 is longer than a request may be, 61440 bytes\n' \
	sh -c 'ringctl call r service "to upper" < "$1"' - "$dir/long"
# shellcheck disable=SC2016
says 1 "line 1 is longer than a request may be, 61440 bytes" \
	sh -c 'ringctl send r service "to upper" < "$1"' - "$dir/long"
says 1 "the largest request is 61440 bytes" \
	ringctl send r service "to upper" count 1 size 61441
unserve "serve: SIGTERM ends it cleanly"
holds "it is withdrawn" "a == []" ringctl -j service show r

# shellcheck disable=SC2016 # for the inner shell
serve odd service odd sh -c 'read -r n; printf "said %s" "$n"; [ "$n" != kill ] || kill -KILL $$; exit $n'
answered 1 "serve: exit status as refusal" '0\n13\nkill\n0\n255\n' 'said 0\nsaid 0\n' \
	"ringctl: line 2: \"odd\": the server has refused: Permission denied (13)
ringctl: line 3: \"odd\": the server has refused: Interrupted system call (4)
ringctl: line 5: \"odd\": the server has refused: unknown error (255)\n" \
	ringctl call r service odd
unserve "(away)"

serve lost service lost ./no-such-command
answered 1 "serve: what cannot be run" 'a\n' '' \
	'ringctl: line 1: "lost": the server has refused: No such file or directory (2)\n' \
	ringctl call r service lost
run 0 "serve: says so" \
	grep -qx 'ringctl: cannot run "./no-such-command": No such file or directory' "$dir/recv.err"
unserve "(away)"

# shellcheck disable=SC2016
serve parts service parts sh -c 'read -r n s; head -c "$n" /dev/zero | tr "\0" x; exit "$s"'
# shellcheck disable=SC2016
run 0 "serve: output in parts" sh -c 'echo 1000000 0 | ringctl call r service parts > "$1" &&
	[ "$(stat -c %s "$1")" = 1000001 ] && [ "$(tr -d "x\n" < "$1" | wc -c)" = 0 ]' - "$dir/got"
answered 1 "serve: refused after some parts" '200000 5\n3 0\n' 'xxx\n' \
	'ringctl: line 1: "parts": the server has refused: Input/output error (5)\n' \
	ringctl call r service parts
unserve "(away)"

# Each holds on until all has been looked at, and then for a moment
# shellcheck disable=SC2016
meet='echo + >> "$0"; until [ -e "$0.seen" ]; do sleep 0.1; done; sleep 0.5; echo - >> "$0"'
: > "$dir/meet"
serve meet parallel 2 service meet sh -c "$meet" "$dir/meet"
for i in 1 2 3 4; do
	echo a | ringctl call r service meet timeout 60 > "$dir/got.$i" &
	callers[i]=$!
done
until_true has_lines "$dir/meet" 2
run 0 "service show: busy" until_true sh -c "ringctl -j service show r | grep -q '\"busy\": *4'"
holds "member show: calls and held" \
	'sorted((m["calls"], m["held"]) for m in a) == [(0, 4)] + 4 * [(1, 0)]' ringctl -j member show r
: > "$dir/meet.seen"
wait "${callers[@]}"
ended $? 0 "call: four at a time"
run 0 "serve: two at a time" awk '/[+]/ { n++ } /-/ { n-- } n > most { most = n }
	END { exit most != 2 || n }' "$dir/meet"
unserve "(away)"
: > "$dir/meet"
serve meet parallel 1 service meet sh -c "$meet" "$dir/meet"
for i in 1 2 3; do
	echo a | ringctl call r service meet timeout 60 > "$dir/got.$i" &
	callers[i]=$!
done
unset 'callers[4]'
wait "${callers[@]}"
run 0 "serve: one at a time" test "$(tr -d '\n' < "$dir/meet")" = +-+-+-
unserve "(away)"

# shellcheck disable=SC2016
serve stuck service stuck sh -c 'sleep 1000 & echo $! > "$0"; wait' "$dir/pid"
answered 1 "serve: the deadline passes" 'a\n' '' \
	'ringctl: line 1: "stuck": no reply in time, and it may have been carried out\n' \
	ringctl call r service stuck timeout 5
run 0 "serve: its whole process group is killed" until_true gone "$(<"$dir/pid")"
rm "$dir/pid"
echo a | ringctl call r service stuck timeout 60 > "$dir/got" 2> "$dir/call.err" &
caller=$!
until_true test -s "$dir/pid"
kill -KILL $server
wait $caller
called=$?
cp "$dir/call.err" "$dir/recv.err"
ended $called 1 "call: the server is killed"
run 0 "call: says so" grep -qx 'ringctl: line 1: "stuck": its server has gone, and it may have been carried out' \
	"$dir/call.err"
kill -KILL "$(<"$dir/pid")"
wait $server 2> "$dir/err"

# shellcheck disable=SC2016
serve late service late sh -c 'echo > "$0"; sleep 1; echo in time' "$dir/late"
echo a | ringctl call r service late timeout 60 > "$dir/got" 2> "$dir/call.err" &
caller=$!
until_true test -s "$dir/late"
unserve "serve: SIGTERM while a command runs"
wait $caller
ended $? 0 "call: what was begun is finished"
run 0 "and replied to" grep -q "in time" "$dir/got"

# --- one-way requests ---

ringctl recv r service work count 100 timeout 60 > "$dir/got" 2> "$dir/recv.err" &
receiver=$!
until_true offered r work 1
seq 99 > "$dir/lines"
run 0 "send service" sh -c "ringctl send r service work < $dir/lines"
answered 0 "recv service: an empty reply" 'last\n' '\n' '' ringctl call r service work
wait $receiver
ended $? 0 "recv service: status"
echo last >> "$dir/lines"
same "recv service: every request, in order" "$dir/lines" "$dir/got"
says 1 "timed out after 0 requests" ringctl recv r service work timeout 0.3

for i in 1 2; do
	ringctl recv r service work count 50 timeout 60 raw > "$dir/got.$i" 2> "$dir/recv.err" &
	callers[i]=$!
done
unset 'callers[3]'
until_true offered r work 2
run 0 "send service: in turn" ringctl send r service work count 100 size 10
wait "${callers[@]}"
ended $? 0 "recv service: each its half"
run 0 "recv service raw" test "$(stat -c %s "$dir/got.1" "$dir/got.2" | tr '\n' ' ')" = "500 500 "
for i in 1 2; do
	ringctl recv r service work count 3 timeout 60 > "$dir/got.$i" 2> "$dir/recv.err" &
	callers[i]=$!
done
until_true offered r work 2
ringctl recv r count 1 timeout 60 > "$dir/got" &
receiver=$!
until_true members r 3
answered 0 "send service each" 'a\nb\nc\n' '' '' ringctl send r service work each
wait "${callers[@]}"
ended $? 0 "recv service: each all"
printf 'a\nb\nc\n' > "$dir/lines"
same "one of them" "$dir/lines" "$dir/got.1"
same "the other one" "$dir/lines" "$dir/got.2"
run 0 "(a message to all)" sh -c 'echo all | ringctl send r'
wait $receiver
run 0 "recv: no requests" test "$(<"$dir/got")" = all

# --- status ---

# before the pipe is opened, which is to end with this shell's end of it
for words in "-j status r watch" "status r watch"; do
	# shellcheck disable=SC2086 # words
	ringctl $words > "$dir/watch${words%% *}" &
	watchers+=($!)
done
until_true test -s "$dir/watch-j"
until_true test -s "$dir/watchstatus"

# A member that sets what it is told: numbers, then a text
mkfifo "$dir/say"
python3 -IS -c '
import ctypes, sys
lib = ctypes.CDLL("ulib/libdmring.so")
lib.dmring_why.restype = ctypes.c_char_p
ring = ctypes.c_void_p()
if lib.dmring_attach(ctypes.byref(ring), b"r", None):
	sys.exit(lib.dmring_why().decode())
for line in sys.stdin.buffer:
	state, progress, text = line.rstrip(b"\n").split(b" ", 2)
	if lib.dmring_status_set(ring, int(state), int(progress), text):
		print(lib.dmring_why().decode(), file=sys.stderr, flush=True)
' < "$dir/say" 2> "$dir/recv.err" &
sayer=$!
exec {say}> "$dir/say"
until_true members r 1
value 'a[0]["id"]' ringctl -j member show r
sayer_id=$answer
holds "status: none" "a == []" ringctl -j status r
printf '1 50 half, gr\303\266\303\237e\n' >&$say
run 0 "status: it is there" until_true sh -c 'ringctl status r | grep -q half'
holds "status" 'a == [{"ring": "r", "node": 0, "member": '"$sayer_id"', "state": 1, "progress": 50,
	"text": "half, gr\u00f6\u00dfe"}]' ringctl -j status r
holds "status: all rings" '[(s["ring"], s["state"]) for s in a] == [("r", 1)]' ringctl -j status
run 0 "status as a table" sh -c 'ringctl status r | sed -n 2p | grep -Eq "^r +0 +[0-9]+ +1 +50 +half, gr.*e$"'
# shellcheck disable=SC2016 # for the inner shell
run 0 "status without CAP_NET_ADMIN" \
	sh -c 'setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
		"$(command -v ringctl)" status r | grep -q half'
until_true grep -q half "$dir/watch-j"
until_true grep -q half "$dir/watchstatus"
printf '4294967295 0 \377 \n' >&$say
until_true grep -q 4294967295 "$dir/watch-j"
until_true grep -q 4294967295 "$dir/watchstatus"
holds "status: what is no text" '(a[0]["state"], a[0]["text"]) == (4294967295, "? ")' ringctl -j status r
printf '0 0 a\tb\n' >&$say
run 0 "status: a control character" until_true grep -qx "a control character in a status" "$dir/recv.err"
printf '0 0 %s\n' "$(printf 'n%.0s' {1..200})" >&$say
run 0 "status: too long" until_true grep -q "^a status has at most" "$dir/recv.err"
holds "status: as it was" 'a[0]["state"] == 4294967295' ringctl -j status r
exec {say}>&-
wait $sayer
ended $? 0 "(that member leaves)"
holds "status: it goes with its member" "a == []" ringctl -j status r
until_true sh -c "[ \"\$(tail -n 1 '$dir/watch-j')\" = '[]' ]"
until_true sh -c "tail -n 1 '$dir/watchstatus' | grep -q '^ring'"
for watcher in "${watchers[@]}"; do
	kill -INT "$watcher"
	wait "$watcher"
	ended $? 0 "status watch: SIGINT ends it cleanly"
done
holds "status watch: an array a line, when something has changed" \
	'[[s["state"] for s in l] for l in lines] == [[], [1], [4294967295], []]' cat "$dir/watch-j"
run 0 "status watch: a table each" test "$(grep -c '^ring' "$dir/watchstatus") $(grep -c '^$' "$dir/watchstatus")" = "4 3"
run 0 "(a ring of the name watch)" ringctl ring add watch
for rings in watch ""; do
	# shellcheck disable=SC2086 # one or none
	: > "$dir/watched"
	ringctl -j status watch $rings > "$dir/watched" &
	watcher=$!
	# who has not begun would not hear it
	until_true test -s "$dir/watched" || kill "$watcher"
	kill -INT "$watcher"
	wait "$watcher"
	ended $? 0 "status watch: of ${rings:-all}"
done
run 0 "del it" ringctl ring del watch
ringctl status r watch > "$dir/got" 2> "$dir/recv.err" &
watcher=$!
until_true test -s "$dir/got"

# --- permission ---

run 0 "without CAP_NET_ADMIN: show" unprivileged ringctl ring show
holds "and no counters" 'set(a[0]["stats"].values()) == {None} and a[0]["members"] == 0' \
	unprivileged ringctl -j ring show
for command in "ring add q" "ring set r mode 0666" "ring del r" "member evict r 0" \
		"peer add r node 2 addr 10.0.0.1:1" "peer del r node 2" "proxy elect r"; do
	# shellcheck disable=SC2086 # words
	says 1 "Operation not permitted (it needs CAP_NET_ADMIN over this network namespace)" \
		unprivileged ringctl $command
done
run 1 "mode 0600: no attaching" unprivileged ringctl recv r timeout 0.2
run 0 "(its mode changed)" ringctl ring set r mode 0666
says 1 "timed out after 0 messages" unprivileged ringctl recv r timeout 0.2
holds "another namespace: no rings" 'a == []' unshare -n ringctl -j ring show
run 0 "a namespace of one's own: CAP_NET_ADMIN there is enough" \
	unprivileged unshare -Urn ringctl ring add q
holds "and gone with it" '[r["name"] for r in a] == ["r"]' ringctl -j ring show

# --- a long list, which takes more than one message ---

for i in $(seq 100); do
	echo "ring ring-$i log 64K slots 8"
done > "$dir/conf"
run 0 "up: 100 rings" ringctl up "$dir/conf"
holds "dump of 101 rings, each once" 'len(a) == 101 and len({r["name"] for r in a}) == 101' \
	ringctl -j ring show
run 0 "down: 100 rings" ringctl down "$dir/conf"
holds "and away" 'len(a) == 1' ringctl -j ring show

# --- up and down ---

cat > "$dir/conf" <<CONF
# two rings
ring one slots 8	# a small one
ring net scope network node 1 listen 127.0.0.1:5100 insecure

peer net node 2 addr 127.0.0.1:5101
CONF
run 0 "up" ringctl up "$dir/conf"
holds "up: rings and peer are there" '[(p["ring"], p["node"], p["addr"]) for p in a] ==
	[("net", 2, "127.0.0.1:5101")]' ringctl -j peer show
run 0 "down" ringctl down "$dir/conf"
holds "down: all gone" 'len(a) == 1' ringctl -j ring show
sed -i 's/node 2 addr/node 1 addr/' "$dir/conf"
run 1 "up: refused in the last line" ringctl up "$dir/conf"
cp "$dir/err" "$dir/up.err"
run 0 "up: says where" grep -q "conf:5: nothing is set up" "$dir/up.err"
holds "up: nothing is left" 'len(a) == 1' ringctl -j ring show
echo "ring three slots" >> "$dir/conf"
says 2 "$dir/conf:6: \"slots\" needs a value" ringctl up "$dir/conf"
echo "rang three" > "$dir/conf"
says 2 "$dir/conf:1: unknown word \"rang\", write ring or peer" ringctl up "$dir/conf"

# --- raw netlink: what ringctl never says ---

python3 -IS - > "$dir/raw" 2> "$dir/err" <<'PY'
import errno, socket, struct

sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
sock.bind((0, 0))
sock.setsockopt(270, 11, 1)     # extended ack

def attr(kind, data):
    pad = -len(data) % 4
    return struct.pack("HH", 4 + len(data), kind) + data + b"\0" * pad

def nest(kind, *attrs):
    return attr(kind | 0x8000, b"".join(attrs))

def talk(family, cmd, body, flags=5, reserved=0):
    msg = struct.pack("BBH", cmd, 1, reserved) + body
    sock.send(struct.pack("IHHII", 16 + len(msg), family, flags, 1, 0) + msg)
    return sock.recv(65536)

def refused(name, want, cmd, body, **more):
    answer = talk(family, cmd, body, **more)
    kind, = struct.unpack_from("H", answer, 4)
    err = -struct.unpack_from("i", answer, 16)[0] if kind in (2, 3) else 0
    print("ok" if err == want else "bad", name, errno.errorcode.get(err, err))

answer = talk(16, 3, attr(2, b"dmring\0"), flags=1)
at, family = 20, None
while at < len(answer):
    size, kind = struct.unpack_from("HH", answer, at)
    if kind == 1:
        family, = struct.unpack_from("H", answer, at + 4)
    at += (size + 3) & ~3
ADD, SET, DEL, GET, PADD, PDEL, PGET, MGET, EVICT = range(1, 10)
SERVICES, STATUSES = 16, 17
name = attr(1, b"raw\0")
u8, u32, u64 = (lambda n: bytes([n])), (lambda n: struct.pack("I", n)), (lambda n: struct.pack("Q", n))
v4 = struct.pack("!HH4s", 0, 5000, bytes([10, 0, 0, 9])) + b"\0" * 8
v4 = struct.pack("H", 2) + v4[2:]
E = errno
refused("an unknown command", E.EOPNOTSUPP, 99, b"")
refused("no nest", E.EINVAL, ADD, b"")
refused("a nest of another object", E.EINVAL, ADD, nest(2, name))
refused("an unknown attribute at the top", E.EINVAL, ADD, nest(1, name) + attr(99, b"x"))
refused("an unknown attribute", E.EINVAL, ADD, nest(1, name, attr(200, u32(1))))
refused("an attribute this command does not take", E.EINVAL, DEL, nest(1, name, attr(2, u8(0))))
refused("a nest without its flag", E.EINVAL, ADD, attr(1, name))
refused("a reserved field of the header", E.EINVAL, ADD, nest(1, name), reserved=1)
refused("a name without its end", E.EINVAL, ADD, nest(1, attr(1, b"raw")))
refused("no name", E.EINVAL, ADD, nest(1, attr(2, u8(0))))
refused("a short number", E.EINVAL, ADD, nest(1, name, attr(7, u8(1))))
refused("an unknown scope", E.ERANGE, ADD, nest(1, name, attr(2, u8(9))))
refused("an unknown order", E.ERANGE, ADD, nest(1, name, attr(3, u8(9))))
refused("an unknown policy", E.ERANGE, ADD, nest(1, name, attr(8, u8(9))))
refused("an unknown flag", E.EINVAL, ADD, nest(1, name, attr(13, u32(1 << 9))))
refused("a user who is none", E.EINVAL, ADD, nest(1, name, attr(10, u32(0xffffffff))))
refused("time without \"slow evict\"", E.EINVAL, ADD, nest(1, name, attr(8, u8(1)), attr(9, u32(5))))
for kind in range(16, 26):
    refused("answer %d in a question" % kind, E.EINVAL, ADD, nest(1, name, attr(kind, u32(1))))
network = [name, attr(2, u8(1)), attr(4, u32(1)), attr(13, u32(2))]
for what, addr in (("family", b"\7" + v4[1:]), ("port", v4[:2] + b"\0\0" + v4[4:]),
                   ("padding", v4[:-1] + b"\1"), ("length", v4 + b"\0" * 4)):
    refused("an address with a bad " + what, E.EINVAL, ADD, nest(1, *network, attr(5, addr)))
refused("an address too short", E.ERANGE, ADD, nest(1, *network, attr(5, v4[:8])))
peer = attr(1, b"r\0")
refused("a peer without node", E.EINVAL, PADD, nest(2, peer, attr(3, v4)))
refused("a peer without address", E.EINVAL, PADD, nest(2, peer, attr(2, u32(2))))
refused("a member without id", E.EINVAL, EVICT, nest(3, peer))
refused("a dump with an attribute too many", E.EINVAL, MGET, nest(3, peer, attr(2, u32(1))), flags=0x301)
refused("peers, but not as a dump", E.EOPNOTSUPP, PGET, nest(2, peer))
for what, cmd, kind in (("services", SERVICES, 6), ("statuses", STATUSES, 7)):
    refused(what + ", but not as a dump", E.EOPNOTSUPP, cmd, nest(kind, peer))
    refused(what + " with an attribute too many", E.EINVAL, cmd, nest(kind, peer, attr(3, u32(0))),
            flags=0x301)
PY
[ -s "$dir/raw" ] || not_ok "raw netlink"
while read -r verdict name; do
	run 0 "raw: $name" test "$verdict" = ok
done < "$dir/raw"
holds "raw: nothing was made" 'len(a) == 1' ringctl -j ring show
run 0 "del" ringctl ring del r
wait $watcher
ended $? 1 "status watch: its ring has gone"
run 0 "status watch: says so" grep -qx 'ringctl: there is no ring "r" here' "$dir/recv.err"

# --- a ring of two hosts ---

ip netns add a
ip netns add b
ip link add a0 netns a type veth peer name b0 netns b
for n in a b; do
	ip -n $n link set lo up
	ip -n $n link set ${n}0 up
done
ip -n a addr add 10.9.0.1/24 dev a0
ip -n b addr add 10.9.0.2/24 dev b0

says 1 'entering network namespace "a" needs CAP_SYS_ADMIN' unprivileged ringctl -n a ring show
run 0 "two hosts: node 1" ringctl -n a ring add two "${network[@]}" node 1 listen 10.9.0.1:5000 dead 5000
run 0 "two hosts: node 2" ringctl -n b ring add two "${network[@]}" node 2 listen 10.9.0.2:5000 dead 5000
refused 'node 1 is this host' ringctl -n a peer add two node 1 addr 10.9.0.2:5000
refused "own address" ringctl -n a peer add two node 2 addr 10.9.0.1:5000
refused 'node ids' ringctl -n a peer add two node 0 addr 10.9.0.2:5000
says 1 'the address of a peer is that of one host' ringctl -n a peer add two node 2 addr 0.0.0.0:5000
refused 'no peer.* 2' ringctl -n a peer del two node 2
run 0 "peer" ringctl -n a peer add two node 2 addr 10.9.0.2:5000
refused 'node 2 .*already' ringctl -n a peer add two node 2 addr 10.9.0.3:5000
refused 'node 2 has that address' ringctl -n a peer add two node 3 addr 10.9.0.2:5000
holds "forming" 'a[0]["state"] == "forming" and a[0]["node"] == 1' ringctl -n a -j ring show two
says 1 'timed out: ring "two" is forming, not closed' ringctl -n a ring wait two timeout 0.5

ringctl -n a -j monitor two > "$dir/events" 2> "$dir/events.err" &
monitor=$!
ringctl -n a ring wait two timeout 30 > "$dir/out" 2> "$dir/recv.err" &
waiter=$!
run 0 "monitor and wait: they listen" until_true listen $monitor $waiter
run 0 "the other peer" ringctl -n b peer add two node 1 addr 10.9.0.1:5000
wait $waiter
ended $? 0 "wait: closed"
run 0 "wait: closed there too" ringctl -n b ring wait two timeout 30
holds "peer show" '[(p["node"], p["addr"], p["out"], p["in"]) for p in a] ==
	[(2, "10.9.0.2:5000", "up", "up")]' ringctl -n a -j peer show two
ringctl -n b recv two count 1000 timeout 90 raw > "$dir/got" 2> "$dir/recv.err" &
receiver=$!
until_true sh -c 'ringctl -n b member show two | grep -q ring'
holds "proxy show" 'a[0]["ring"] == "two" and a[0]["pid"] == '$receiver' and a[0]["term"] > 0' \
	ringctl -n b -j proxy show two
refused 'no member 77 on this host' ringctl -n b proxy elect two member 77
run 0 "elect: a count" ringctl -n b proxy elect two
run 0 "rotate and proxy-timeout" ringctl -n b ring set two rotate 60 proxy-timeout 500
holds "they are set" '(a[0]["rotate"], a[0]["proxy_timeout_ms"]) == (60, 500)' \
	ringctl -n b -j ring show two
run 0 "rotate never" ringctl -n b ring set two rotate never
holds "it is never" 'a[0]["rotate"] == 0' ringctl -n b -j ring show two
holds "what the proxy has done" 'a[0]["terms"] == 1 and a[0]["reason"] == "vacant" and
	 type(a[0]["served_ms"]) is int and type(a[0]["carried"]) is int' ringctl -n b -j proxy show two
run 0 "send from host to host" ringctl -n a send two count 1000 size 100
wait $receiver
ended $? 0 "recv there"
run 0 "all arrived" test "$(stat -c %s "$dir/got")" = 100000
holds "view show" '[(v["ring"], v["view"], v["quorum"], v["phase"]) for v in a] ==
	[("two", 1, True, "run")] and [h["node"] for h in a[0]["hosts"]] == [1, 2] and
	a[0]["hosts"][0]["have"] > 0 and a[0]["prepared"] is None' ringctl -n b -j view show
run 0 "view show as text" sh -c 'ringctl -n b view show two | grep -q "ring two view 1 quorum phase run"'
holds "who is not the administrator is not told what is held" \
	'[h["have"] for h in a[0]["hosts"]] == [None, None] and a[0]["ordered"] is None' \
	ip netns exec b setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
	"$(command -v ringctl)" -j view show two
says 0 'only the address is noted: who is on the ring is for a view to say' ringctl -n b peer add two node 3 addr 10.9.0.3:5000
run 0 "an address can be taken back" ringctl -n b peer del two node 3
refused 'cannot change' ringctl -n b peer del two node 1
run 0 "del there" ringctl -n b ring del two
run 0 "broken here" until_true sh -c 'ringctl -n a ring show two | grep -q "state broken"'
run 0 "five hundred come and go" ip netns exec a selftests/use-module visit two 500
run 0 "del here" ringctl -n a ring del two
run 0 "monitor: it has said all" until_true grep -q ring-del "$dir/events"
kill -INT $monitor
wait $monitor
ended $? 0 "monitor: SIGINT ends it cleanly"
holds "monitor: a JSON object a line" \
	'{"closed", "member-join", "member-leave", "broken", "ring-del"} <= {e["event"] for e in lines} and
	 {e["ring"] for e in lines} == {"two"}' cat "$dir/events"
holds "monitor: nobody comes under a number before its last holder has left" \
	'(lambda seen: len(seen) >= 1000 and all(
		x[1] != y[1] for m in {s[0] for s in seen}
		for one in [[s for s in seen if s[0] == m]] for x, y in zip(one, one[1:])))(
	 [(e["member"], e["event"]) for e in lines if e["event"] in ("member-join", "member-leave")])' \
	cat "$dir/events"
ip netns del a
ip netns del b

# --- and away ---

if [ -n "$loaded" ]; then
	run 0 "unload" rmmod dmring
fi
rm -rf "$dir"
echo "1..$number"
echo "# $((number - failed)) passed, $failed failed"
[ $failed = 0 ]
