#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034 # variables for vm/lib.sh
#
# Views of three guests, each with a kernel of its own, one of which is killed under load at a
# random moment. Runs on the host.
#
#        guest 1              guest 2              guest 3
#     2 x send, 2 x recv   2 x send, 2 x recv   2 x send, 2 x recv
#        node 1 ------------> node 2 ------------> node 3 --.
#          '------------------------------------------------'
#
# A run: six senders share MESSAGES; the QEMU of one guest is killed; when the others miss it,
# net/coordinator makes a view of those. They have the same from the first to the last message,
# with total and safe in the same sequence, and all of the senders that live. Then the guest boots
# again, joins by another view, and the next run begins.
#
#   net-guests-views.sh [MESSAGES [RUNS [ORDER [SEED]]]]       6000 1 total
#
# SEED chooses whom to kill and when. DMRING_MODULE=FILE for another module. VM_KEEP=1 keeps what
# members said, as a failure does.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=net/guests.sh
. "$here/net/guests.sh"
export DMRING_SLOWER=${DMRING_SLOWER:-2}

#
# In a guest
#

# receive RUN NAME OPTIONS…: in the background; its process id is in $pid. It waits for one more
# than there is of each sender: it has to be told to end, for the last view may come after all
# messages.
receive() {
	local out=$VM_OUT/$1.$VM_ID$2
	"$flood" recv -e -p -s 6 -c $((each + 1)) -t "$patience" "${@:3}" guests >"$out" 2>&1 &
	pid=$!
}

# transmit RUN NAME NUMBER: in the background
transmit() {
	local out=$VM_OUT/$1.$VM_ID$2
	"$flood" send -s "$3" -r $((6 * $1 + $3)) -c "$each" -m 1 -l 200 -t "$patience" \
		-u "$pause" -g "$VM_OUT/$1.fast" guests >"$out" 2>&1 &
	pid=$!
}

# ends PID RUN NAME: the last line of its output is its status
ends() {
	wait "$1"
	echo "status $?" >>"$VM_OUT/$2.$VM_ID$3"
}

one_run() {
	local run=$1 list pid a b x y
	list=(-n $((each * 6 / 100)))
	[ "$order" != safe ] || list+=(-v)
	await "$run.begin" "$patience"
	receive "$run" a "${list[@]}"
	a=$pid
	receive "$run" b
	b=$pid
	until_true 60 attached 2 || echo "guest $VM_ID: the receivers do not attach"
	said "$run.ready$VM_ID"
	await "$run.go"
	transmit "$run" x $((2 * VM_ID - 2))
	x=$pid
	transmit "$run" y $((2 * VM_ID - 1))
	y=$pid
	ends "$x" "$run" x
	ends "$y" "$run" y
	said "$run.sent$VM_ID"
	await "$run.end" "$patience"
	kill -TERM "$a" "$b" 2>/dev/null
	ends "$a" "$run" a
	ends "$b" "$run" b
	said "$run.done$VM_ID"
}

# --guest FIRST-RUN RUNS EACH PAUSE PATIENCE ORDER
if [ "${1:-}" = --guest ]; then
	each=$4 pause=$5 patience=$6 order=$7
	# little room, so that messages are on their way everywhere
	guest_ring log 128K slow block dead 1500 order "$order"
	said "$2.up$VM_ID"
	for ((run = $2; run <= $3; run++)); do
		one_run "$run"
	done
	ringctl ring del guests
	exit
fi

#
# On the host
#

messages=${1:-6000} runs=${2:-1} order=${3:-total} seed=${4:-$((SRANDOM % 30000 + 1))}
each=$((messages / 6))
pause=0
# a few messages would all have passed before anybody can be killed
[ "$messages" -ge 50000 ] || pause=5000
patience=$((120 + messages / 200))
VM_ENV=DMRING_SLOWER
# for what hangs
VM_TIMEOUT=${VM_TIMEOUT:-$((runs * (messages / 200 + 900) + 300))}
RANDOM=$seed

boot() {	# GUEST RUN
	vm_start "$1" "$here/net-guests-views.sh" --guest "$2" "$runs" $each $pause $patience "$order"
}

# misses GUEST NODE: what its receivers heard last of that one
misses() {
	[[ $(grep -E "^event host (away|back) node $2 " "$VM_OUT/$run.${1}a" | tail -n 1) = *away* ]]
}

# What a receiver had from beginning to end, and in which views; with fifo, how much of whom
story() {
	grep -E '^(before|view|recv .* received)' "$VM_OUT/$run.$1" | sed -E 's/ ms [0-9]+//' |
		if [ "$order" = fifo ]; then
			sed -E 's/^(before [0-9]+):.*( next .*)/\1\2/; s/ turns .*( next .*)/\1/'
		else
			cat
		fi | paste -sd'|'
}

status_of() { tail -n 1 "$VM_OUT/$run.$1"; }

no_fault='lost 0 doubled 0 reordered 0 damaged 0 foreign 0 dropped 0'

# receivers_agree GUEST…: the two on each of these
receivers_agree() {
	local i r first=${1}a nexts s
	for i; do
		for r in a b; do
			equal "receiver $i$r" "$(story "$first")" "$(story "$i$r")"
			matches "receiver $i$r" " $no_fault " "$(story "$i$r")"
			equal "receiver $i$r" 'status 0' "$(status_of "$i$r")"
		done
	done
	IFS=, read -ra nexts < <(sed -nE 's/^recv .* next ([0-9,]+).*/\1/p' "$VM_OUT/$run.$first")
	for i; do
		for s in $((2 * i - 2)) $((2 * i - 1)); do
			equal "of sender $s" "$each" "${nexts[s]}"
		done
	done
	note "$(story "$first" | sed "s/ $no_fault / /")"
}

# With safe: what had been delivered on GUEST, which died, is how the others begin
delivered_everywhere() {
	local died=$1 i n
	shift
	# its last line may have been under way
	grep -E '^message [0-9]+ of [0-9]$' "$VM_OUT/$run.${died}a" >"$VM_OUT/$run.dead"
	n=$(wc -l <"$VM_OUT/$run.dead")
	note "$n messages had been delivered on guest $died"
	[ "$n" -gt 20 ] || bad "only $n messages had been delivered on the guest that died"
	for i; do
		grep -E '^message ' "$VM_OUT/$run.${i}a" | head -n "$n" |
			cmp -s - "$VM_OUT/$run.dead" ||
			bad "receiver ${i}a does not begin with what had been delivered"
	done
}

# passed PERCENT GUEST: so much of the messages has come to receiver "a" there
passed() { [ "$(grep -c '^so far' "$VM_OUT/$run.${2}a")" -ge "$1" ]; }

# run_here: sets killed
run_here() {
	local begin i r at others=()
	killed=$((RANDOM % 3 + 1)) at=$((5 + RANDOM % 86))
	for i in 1 2 3; do
		[ $i = $killed ] || others+=("$i")
	done
	said "$run.begin"
	must until_true 120 all_said "$run.ready"
	begin=$SECONDS
	said "$run.go"
	until_true $patience passed $at "${others[0]}" || bad 'the messages do not flow'
	sleep "$(printf '0.%03d' $((RANDOM % 200)))"
	vm_kill $killed
	said "$run.fast.go"
	[ -z "$(vm_scan "$vm_dir/$killed/console")" ] ||
		bad "guest $killed complained before: $(vm_scan "$vm_dir/$killed/console")"
	note "guest $killed killed at $at %: $(grep '^so far' "$VM_OUT/$run.${others[0]}a" | tail -n 1)"
	for i in "${others[@]}"; do
		until_true 60 misses "$i" $killed || bad "host $i was not told that host $killed is away"
	done
	view --reason broken guests "${others[0]},${others[1]}"
	for i in "${others[@]}"; do
		until_true $patience [ -e "$VM_OUT/$run.sent$i" ] || bad "the senders of host $i do not end"
		for r in x y; do
			matches "sender $i$r" "accepted $each " "$(cat "$VM_OUT/$run.$i$r")"
			equal "sender $i$r" 'status 0' "$(status_of "$i$r")"
		done
	done
	said "$run.end"
	must until_true 120 all_said "$run.done" "${others[@]}"
	receivers_agree "${others[@]}"
	equal 'views' "view $((2 * run)) hosts ${others[*]} -$killed:1" \
		"$(grep '^view' "$VM_OUT/$run.${others[0]}a")"
	[ "$order" != safe ] || delivered_everywhere $killed "${others[@]}"
	note "$((SECONDS - begin)) s"
}

# come_back GUEST: it boots again, and joins
come_back() {
	local i others=()
	for i in 1 2 3; do
		[ $i = "$1" ] || others+=("$i")
	done
	must boot "$1" $run
	must until_true 300 all_said "$run.up" "$1"
	view guests "${others[0]},${others[1]}" join "$1"
	for i in 1 2 3; do
		guest_is_closed $i
	done
}

plan $((runs + 2))
must [ -x "$flood" -a -e "$VM_LOAD" ]
note "order $order, $messages messages, seed $seed"
must vm_net_start 3
for i in 1 2 3; do
	must boot $i 1
done
must until_true 300 all_said 1.up
for i in 1 2 3; do
	guest_is_closed $i
done
verdict 'three guests form a ring'

for ((run = 1; run <= runs; run++)); do
	[ $run = 1 ] || come_back "$killed"
	run_here
	[ -z "$test_bad" ] || vm_failed=yes
	verdict "order $order, run $run: guest $killed is killed, the others have the same"
done

for i in 1 2 3; do
	[ $i = "$killed" ] || vm_wait $i ||
		bad "guest $i ends with $?: $(tail -n 5 "$(vm_output $i)")"
done
verdict 'the kernels of the survivors have nothing to complain of'
finish
