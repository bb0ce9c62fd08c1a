#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034 # variables for vm/lib.sh
#
# A ring over three guests, each with a kernel of its own. Runs on the host.
#
#        guest 1            guest 2            guest 3
#     send, 2 x recv     send, 2 x recv     send, 2 x recv
#        node 1 ----------> node 2 ----------> node 3 --.
#          ^                        (cut, healed)       |   then guest 3 is killed
#          '--------------------------------------------'
#
#   net-guests.sh [MESSAGES]         DMRING_MODULE=FILE for another module

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=net/guests.sh
. "$here/net/guests.sh"

#
# In a guest
#

# one_flood STEP COUNT SECONDS OPTIONS…: two receivers, a sender when all are ready
one_flood() {
	local step=$1 count=$2 patience=$3 r
	shift 3
	for r in a b; do
		{ "$flood" recv -e -s 3 -c "$count" -t "$patience" "$@" guests; echo "status $?"; } \
			>"$VM_OUT/$step.$VM_ID$r" 2>&1 &
	done
	until_true 60 attached 2 || echo "guest $VM_ID: the receivers do not attach"
	said "$step.ready$VM_ID"
	await "$step.go"
	{ "$flood" send -s $((VM_ID - 1)) -c "$count" -r "$VM_ID" -t "$patience" \
			-u $((40000 * slower)) -g "$VM_OUT/$step.fast" guests
		echo "status $?"; } \
		>"$VM_OUT/$step.$VM_ID" 2>&1
	wait
	said "$step.done$VM_ID"
}

guest() {
	guest_ring log 512K slow block dead 1500
	ringctl ring wait guests timeout $((400 * slower)) || exit
	one_flood cut "$1" $((60 * slower))
	# long enough that nobody ends before guest 3 is killed
	one_flood kill 1000000 $((20 * slower)) -p
	ringctl -s ring show guests
	ringctl ring del guests
}

if [ "${1:-}" = --guest ]; then
	guest "$2"
	exit
fi

#
# On the host
#

VM_ENV=DMRING_SLOWER
# for what hangs
VM_TIMEOUT=${VM_TIMEOUT:-900}
messages=${1:-9000}
each=$((messages / 3))

plan 4
must [ -x "$flood" -a -e "$VM_LOAD" ]
must vm_net_start 3
for i in 1 2 3; do
	must vm_start $i "$here/net-guests.sh" --guest $each
done
must until_true 300 all_said cut.ready
for i in 1 2 3; do
	guest_is_closed $i
done
verdict 'three guests form a ring'

said cut.go
until_true 120 carried 1 60 || bad 'the messages do not flow'
must vm_cut 2 3
said cut.fast.go
until_true 60 told cut.2a 'event host away node 3' || bad 'host 2 was not told that host 3 is away'
until_true 60 told cut.3a 'event host away node 2' || bad 'host 3 was not told that host 2 is away'
sleep 1
note "$(of_guest 1 messages) messages on host 1 during the cut"
must vm_heal 2 3
for i in 1 2 3; do
	until_true 300 [ -e "$VM_OUT/cut.done$i" ] || bad "host $i does not end"
	matches "sender $i" "accepted $each " "$(cat "$VM_OUT/cut.$i")"
	for r in a b; do
		matches "receiver $i$r" "received $((3 * each)) lost 0 doubled 0 reordered 0 damaged 0 foreign 0 dropped 0 .* next $each,$each,$each\$" "$(grep received "$VM_OUT/cut.$i$r")"
		matches "receiver $i$r" '^status 0$' "$(tail -n 1 "$VM_OUT/cut.$i$r")"
	done
done
until_true 20 told cut.2a 'event host back node 3' || bad 'host 2 was not told that host 3 is back'
note "$(grep received "$VM_OUT/cut.3b")"
verdict "$((3 * each)) messages through a cut between guests 2 and 3"

must until_true 120 all_said kill.ready
said kill.fast.go
said kill.go
base=$(of_guest 1 messages)
until_true 120 carried 1 $((base + 500)) || bad 'the messages do not flow'
vm_kill 3
for i in 1 2; do
	until_true 60 told kill.${i}a 'event host away node 3' || bad "host $i was not told that host 3 is away"
	until_true 120 [ -e "$VM_OUT/kill.done$i" ] || bad "host $i does not end"
	matches "sender $i" '^status 3$' "$(tail -n 1 "$VM_OUT/kill.$i")"
	for r in a b; do
		matches "receiver $i$r" ' lost 0 doubled 0 reordered 0 damaged 0 foreign 0 dropped 0 ' "$(grep received "$VM_OUT/kill.$i$r")"
		matches "receiver $i$r" '^status 0$' "$(tail -n 1 "$VM_OUT/kill.$i$r")"
	done
	note "host $i: $(grep received "$VM_OUT/kill.${i}a")"
done
# the two of one host have the same; what came before is not asked of another host
for i in 1 2; do
	equal "receivers of host $i" "$(sed -n 's/.* next //p' "$VM_OUT/kill.${i}a")" "$(sed -n 's/.* next //p' "$VM_OUT/kill.${i}b")"
done
verdict 'guest 3 is killed: the others are told, and wait'

for i in 1 2; do
	vm_wait $i || bad "guest $i ends with $?: $(tail -n 5 "$(vm_output $i)")"
done
verdict 'the kernels of the survivors have nothing to complain of'
finish
