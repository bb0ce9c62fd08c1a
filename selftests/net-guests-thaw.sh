#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034 # variables for vm/lib.sh
#
# A host that stands still as a whole, under load, and goes on later: three guests, of which one's
# QEMU is stopped. The others miss it and go on without it in a view of their own. When it goes on
# it is where it was, and nobody wants what it says; nothing of what it accepted meanwhile or before
# may get among the messages of the new view. Then it joins as a new host, its members stay.
# Runs on the host; what all received is put before net/judge.
#
#   net-guests-thaw.sh [MESSAGES [ORDER]]      of each sender: 1000 total

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=net/guests.sh
. "$here/net/guests.sh"
export DMRING_SLOWER=${DMRING_SLOWER:-2}
patience=200

#
# In a guest: a receiver and a sender. --guest MESSAGES ORDER
#

if [ "${1:-}" = --guest ]; then
	guest_ring log 256K slow block dead 1500 order "$3"
	"$flood" recv -e -v -p -s 3 -c "$2" -t $patience guests >"$VM_OUT/recv$VM_ID" 2>&1 &
	until_true 60 attached 1 || echo "guest $VM_ID: the receiver does not attach"
	said "ready$VM_ID"
	await go
	"$flood" send -s $((VM_ID - 1)) -c "$2" -l 1000 -t $patience \
		-u $((40000 * slower)) -g "$VM_OUT/fast" \
		guests >"$VM_OUT/send$VM_ID" 2>&1
	echo "status $?" >>"$VM_OUT/send$VM_ID"
	said "sent$VM_ID"
	await end $patience
	kill -TERM %1 2>/dev/null
	wait
	ringctl ring del guests
	exit
fi

#
# On the host
#

messages=${1:-1000} order=${2:-total}
VM_ENV=DMRING_SLOWER
# its clock goes on while it stands still, which a watchdog takes for a hang
VM_APPEND='nosoftlockup nowatchdog rcupdate.rcu_cpu_stall_suppress=1'
# for what hangs
VM_TIMEOUT=${VM_TIMEOUT:-900}

# How many messages have come to guest $1
came() { grep -c '^message' "$VM_OUT/recv$1"; }
have_come() { [ "$(came "$1")" -ge "$2" ]; }

# What came in the last view: with fifo, up to which message of each sender
last_of() {
	tail -n 1 "$VM_OUT/recv$1" | sed -E 's/.* view (sequence [0-9a-f]+) next ([0-9,]+).*/\1 \2/' |
		if [ "$order" = fifo ]; then sed 's/.* //'; else sed 's/ [^ ]*$//'; fi
}

# misses GUEST NODE: so its receiver heard last of that one
misses() {
	local last
	last=$(grep -E "^event host (away|back) node $2 " "$VM_OUT/recv$1" | tail -n 1)
	[[ $last = *away* ]]
}

# Has guest 3 lost both of its neighbours? It may have lost one before it stood still.
lonely() { misses 3 1 && misses 3 2 && of_guest_is 3 state broken; }

views_of() { grep '^view' "$VM_OUT/recv$1" | paste -sd'|'; }

plan 5
must [ -x "$flood" -a -x "$here/net/judge" -a -e "$VM_LOAD" ]
must vm_net_start 3
for i in 1 2 3; do
	must vm_start $i "$here/net-guests-thaw.sh" --guest "$messages" "$order"
done
must until_true 300 all_said ready
for i in 1 2 3; do
	guest_is_closed $i
done
verdict 'three guests form a ring'

said go
until_true 60 have_come 1 $((messages / 4)) || bad 'the messages do not flow'
# a busy machine may have cut it off before
guest_is_closed 3
kill -STOP "$(vm_qemu 3)"
for i in 1 2; do
	until_true 60 misses $i 3 || bad "host $i does not miss host 3"
done
view --book "$VM_OUT/book" --reason silent guests 1,2
base=$(came 1)
until_true 60 have_come 1 $((base + messages / 4)) || bad 'the others do not go on'
verdict 'guest 3 stands still; the others go on without it'

base=$(came 1)
kill -CONT "$(vm_qemu 3)"
until_true 60 lonely || bad 'host 3 does not find out'
before=$(came 3)
equal 'view of host 3' 1 "$(of_guest 3 view)"
until_true 60 have_come 1 $((base + messages / 8)) || bad 'the others are disturbed'
own=$(sed -n "$((before + 1)),\$p" <(grep '^message' "$VM_OUT/recv3") | grep -vc ' of 2$')
equal 'messages of others that still come to host 3' 0 "$own"
verdict 'guest 3 goes on, and is where it was'

view --book "$VM_OUT/book" guests 1,2 join 3
for i in 1 2 3; do
	guest_is_closed $i
done
said fast.go
for i in 1 2 3; do
	until_true $patience [ -e "$VM_OUT/sent$i" ] || bad "the sender of host $i does not end"
	matches "sender $i" "accepted $messages " "$(cat "$VM_OUT/send$i")"
	matches "sender $i" '^status 0$' "$(tail -n 1 "$VM_OUT/send$i")"
done
said end
for i in 1 2 3; do
	until_true 60 told recv$i '^recv guests: received ' || bad "the receiver of host $i does not end"
	matches "receiver $i" ' doubled 0 reordered 0 damaged 0 foreign 0 dropped 0 ' "$(tail -n 1 "$VM_OUT/recv$i")"
	equal "what came last on host $i" "$(last_of 1)" "$(last_of $i)"
done
matches 'receiver 3' ' lost 0 ' "$(tail -n 1 "$VM_OUT/recv3")"
for i in 1 2; do
	matches "receiver $i" " next $messages,$messages,$messages" "$(tail -n 1 "$VM_OUT/recv$i")"
	equal "views on host $i" 'view 2 hosts 1 2 -3:2|view 3 hosts 1 2 +3' "$(views_of $i)"
done
equal 'views on host 3' 'view 3 joined hosts 1 2 +3' "$(views_of 3)"
said=$("$here/net/judge" "$order" "$VM_OUT/book" \
	"1=$VM_OUT/recv1" "2=$VM_OUT/recv2" "3=$VM_OUT/recv3" 2>&1) || bad "$said"
note "judged: $said"
note "sender 3: $(grep '^event lost' "$VM_OUT/send3")"
matches 'sender 3 is told what may be lost' '^event lost ' "$(grep '^event lost' "$VM_OUT/send3")"
[ -z "$test_bad" ] || vm_failed=yes
verdict 'guest 3 joins as a new host, and its members go on'

for i in 1 2 3; do
	vm_wait $i || bad "guest $i ends with $?: $(tail -n 5 "$(vm_output $i)")"
done
verdict 'the kernels have nothing to complain of'
finish
