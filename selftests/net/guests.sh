# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # variables for vm/lib.sh and of the scripts
#
# A ring over three guests, each with a kernel of its own: to be sourced by bash scripts that run
# on the host and, with --guest as their first word, in each guest. The steps of all are kept
# together by files in VM_OUT.
#
# Node i is guest i; the ring is "guests" and goes 1 -> 2 -> 3 -> 1.

root=$(dirname "$here")
flood=$here/net/flood
export PATH=$root/ctl:$PATH LC_ALL=C
# shellcheck source=net/ktap.sh
. "$here/net/ktap.sh"

#
# In a guest
#

await() {	# FILE [SECONDS]
	until_true "${2:-120}" [ -e "$VM_OUT/$1" ] ||
		{ echo "guest $VM_ID: $1 has not come"; exit 1; }
}

attached() { [ "$(value_of members "$(ringctl -j ring show guests)")" = "$1" ]; }

# guest_ring WORDS…: the ring here, and its peers
guest_ring() {
	local i
	ringctl ring add guests scope network node "$VM_ID" listen "10.77.0.$VM_ID:7000" \
		insecure "$@" || exit
	for i in 1 2 3; do
		[ $i = "$VM_ID" ] || ringctl peer add guests node $i addr 10.77.0.$i:7000 || exit
	done
}

#
# Both
#

said() { : >"$VM_OUT/$1"; }

# value_of FIELD JSON: the first of that name
value_of() { [[ $2 =~ \"$1\":\ ?\"?([^\",}]*) ]] && echo "${BASH_REMATCH[1]}"; }

#
# On the host
#

if [ "${1:-}" != --guest ]; then
	# shellcheck source=vm/lib.sh
	. "$here/vm/lib.sh"
	VM_CPUS=1 VM_MEM=${VM_MEM:-512} VM_LOAD=${DMRING_MODULE:-$root/kmod/dmring.ko}
	unset VM_OUT
fi

# all_said WORD [GUEST…]: WORDi is there, of each guest
all_said() {
	local i word=$1
	shift
	[ $# != 0 ] || set -- 1 2 3
	for i; do
		[ -e "$VM_OUT/$word$i" ] || return
	done
}

of_guest() {	# GUEST FIELD
	value_of "$2" "$(vm_exec "$1" "$root/ctl/ringctl" -j -s ring show guests)"
}

of_guest_is() { [ "$(of_guest "$1" "$2")" = "$3" ]; }	# GUEST FIELD VALUE

# guest_is_closed GUEST: on a busy machine a ring may break, and is soon back
guest_is_closed() {
	until_true 60 of_guest_is "$1" state closed || bad "host $1: the ring is $(of_guest "$1" state)"
}

carried() { [ "$(of_guest "$1" messages)" -ge "$2" ]; }	# GUEST MESSAGES

# view WORDS…: of the coordinator; without it the members would only wait
view() {
	local said
	said=$(timeout $((300 * slower)) "$here/net/coordinator" \
		--via "${here@Q}/vm/exec ${vm_dir@Q}/%d $((60 * slower)) ${root@Q}/ctl/ringctl" "$@" 2>&1) || {
		vm_failed=yes
		note "$said"
		must false "coordinator $*"
	}
	note "$(sed -E 's/^fill ([0-9]+ ms).*/fill \1/' <<<"$said" | paste -sd' ')"
}

told() { grep -q "$2" "$VM_OUT/$1"; }
