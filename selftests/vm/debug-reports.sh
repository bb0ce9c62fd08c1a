#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034 # variables for lib.sh
#
# Does the debug kernel report what it is there for, and does the harness fail for
# that and for nothing else? KTAP; runs on the host.
#
#   guest 1: insmod planted.ko what=nothing    the run passes
#            insmod planted.ko what=uaf        the run fails; its log names planted_uaf, and nothing else
#   guest 2: a leak                            the run fails; kmemleak shows the bytes
#   guest 3: one error of each other kind
#
# Every line of a log that fails a run has to belong to a report that is expected.

set -u
here=$(dirname "$(readlink -f "$0")")
module=$(readlink -f "${PLANTED:-$here/../../build/debug/selftests/vm/planted/planted.ko}")
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=../net/ktap.sh
. "$here/../net/ktap.sh"
VM_KERNEL=debug
VM_TIMEOUT=${VM_TIMEOUT:-400}
unset VM_OUT VM_LOAD
vm_init || exit
vm_say() { printf '# vm: %s\n' "$*" >&2; }

# In a guest: loads and unloads the module with each error. Before the first error
# the log has to be clean, or what follows proves nothing.
# shellcheck disable=SC2016 # the guest's variables
plant='
module=$1
shift
for what in nothing "$@"; do
	insmod "$module" what="$what" && rmmod planted || exit 1
	[ "$what" != nothing ] || ! dmesg | selftests/vm/bad-lines || exit 2
done'

# plant_in GUEST ERROR…: boots it, returns what the harness says of the run
plant_in() {
	local id=$1
	shift
	vm_start "$id" bash -c "$plant" bash "$module" "$@" || return
	vm_wait "$id" 2>"$vm_dir/$id.harness"
}

# log_of GUEST: its kernel log, without the time
log_of() { sed -E 's/^\[ *[0-9.]+\] ?//' "$vm_dir/$1/share/dmesg"; }

# names GUEST PATTERN…: each is in the log, and no other report
names() {
	local id=$1 pattern other all=()
	shift
	for pattern; do
		log_of "$id" | grep -qE -- "$pattern" || bad "the log has no line /$pattern/"
		all+=(-e "$pattern")
	done
	# the heads of reports; a call trace belongs to one
	other=$(log_of "$id" | grep -E "$vm_bad_lines" | grep -vE 'Call Trace' | grep -vE "${all[@]}")
	[ -z "$other" ] || bad "the log also has: $other"
}

# failed_for GUEST STATUS: only the judgement of the kernel fails the run
failed_for() {
	equal "status of the run" $VM_E_KERNEL "$2"
	[ -s "$vm_dir/$1/share/status" ] && equal "status of the command" 0 "$(cat "$vm_dir/$1/share/status")"
	sed 's/^/# harness: /' "$vm_dir/$1.harness"
}

plan 3
must [ -f "$module" ]

plant_in 1 uaf
failed_for 1 $?
names 1 '^BUG: KASAN: use-after-free in planted_uaf\+'
log_of 1 | grep -q 'Freed by task' || bad 'the log does not say who freed it'
[ ! -s "$vm_dir/1/share/kmemleak" ] || bad "kmemleak has something, too"
verdict 'a use after free is reported, and nothing else'

plant_in 2 leak
failed_for 2 $?
names 2 '^kmemleak: 1 new suspected memory leaks'
equal 'number of leaked objects' 1 "$(grep -c '^unreferenced object' "$vm_dir/2/share/kmemleak")"
grep -q 'planted leak' "$vm_dir/2/share/kmemleak" || bad "kmemleak shows something else: $(cat "$vm_dir/2/share/kmemleak")"
verdict 'a leak is reported after the unload, and nothing else'

# rcu and order first: lockdep looks at nothing after a report of its own or of KASAN
plant_in 3 rcu order atomic shift timer vmalloc
failed_for 3 $?
names 3 '^BUG: KASAN: vmalloc-out-of-bounds in planted_vmalloc\+' \
	'^BUG: sleeping function called from invalid context at .*planted\.c' \
	'^UBSAN: shift-out-of-bounds in .*planted\.c' \
	'^ODEBUG: free active .*timer_list.* expired' \
	'^WARNING: CPU: .* at lib/debugobjects\.c' \
	'^WARNING: suspicious RCU usage' \
	'planted\.c:[0-9]+ suspicious rcu_dereference_check' \
	'^WARNING: possible circular locking dependency detected'
log_of 3 | grep -qE 'planted_a.*at:.*planted_order' || bad 'lockdep does not name the planted locks'
[ ! -s "$vm_dir/3/share/kmemleak" ] || bad "kmemleak has something, too"
verdict 'out of bounds, sleep in atomic context, RCU, lock order, shift, a running timer'
# the runs had to fail; their files are kept only if they did not as they should
vm_failed=
[ "$test_failed" = 0 ] || vm_failed=yes
finish
