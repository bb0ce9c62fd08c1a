#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034 # variables for and from the scripts that source this
#
# Guests for tests: to be sourced by bash scripts.
#
#   one guest                        three guests, every pair joined by its own wire
#
#   host root --9p, read-only-->     +--- namespace of this run -------------------+
#     overlay of a tmpfs             | br1 -- tap1 = guest 1  10.77.0.1            |
#     COMMAND as root                |  | \                                        |
#   VM_OUT  <--9p, same path-->      |  |  veth 1-3 -- br3 -- tap3 = guest 3       |
#                                    |  veth 1-2       |                           |
#                                    |  |  .--veth 2-3-'                           |
#                                    | br2 -- tap2 = guest 2  10.77.0.2            |
#                                    +---------------------------------------------+
#
# Ports of a bridge that lead to other guests are isolated from each other: a
# frame goes from its guest to the others and never onward, so the full mesh has
# no loop, and a pair is cut by taking its wire down. That needs nothing of the
# host's kernel but bridges, veth and TAP devices.
#
# Functions (ID is 1..254; all return non-zero on failure):
#
#   vm_net_start N              namespace, bridges and TAPs for guests 1..N
#   vm_start ID COMMAND ARGS…   boots a guest in the background and runs COMMAND in it
#   vm_wait ID                  → COMMAND's exit status, or one of the VM_E_ codes below
#   vm_exec ID COMMAND ARGS…    runs COMMAND in the running guest, beside its first one; its output on ours
#                               (other programs: vm/exec)
#   vm_kill ID                  SIGKILL to that QEMU: the host dies
#   vm_alive ID                 is that QEMU still there
#   vm_qemu ID                  its process id; for signals that stop it and let it go on
#   vm_cut A B, vm_heal A B     no packet passes between A and B, others unaffected
#   vm_net_stop                 kills what runs, removes the namespace
#   vm_output ID                the path of COMMAND's output
#   vm_cleanup                  all of it; set as EXIT trap here. A script with its own trap calls it there.
#
# vm_start must run in the shell that calls vm_wait, not in a pipe or $( ).
#
# Before a guest is started:
#
#   VM_KERNEL    release of the guest's kernel or the beginning of one (6.12), or "debug"; default the newest 6.1
#   VM_CPUS      1 for vm_start        VM_MEM      MiB, 1024
#   VM_TIMEOUT   seconds of wall clock from when the guest has come up, 300
#   VM_BOOT      seconds in which its kernel has to come up; it gets three attempts; default 120, "debug" 400
#   VM_ICOUNT    1: one CPU, guest time counts instructions
#   VM_REALTIME  1: ahead of all ordinary processes of this machine, for measurements by the clock
#   VM_LOAD      a module file that is loaded before COMMAND; VM_LOAD_ARGS its parameters
#   VM_ENV       names of variables that COMMAND shall see, e.g. "INPUT SEED"
#   VM_OUT       a directory of results, kept; default one that goes with the run
#   VM_APPEND    more kernel command line
#   VM_DMESG_ALLOW  extended regular expression of kernel log lines that are no failure
#   VM_KEEP      1: keep the run's files even when all is well
#   VM_LIVE      1: COMMAND's output on our standard output as it comes, "[ID] " before each line
#
# In a guest: VM_ID, VM_OUT (the same path as on the host, shared by all guests
# of the run), VM_CWD; VM_BAD and VM_NOISE, what is looked for in the kernel log;
# eth0 has 10.77.0.ID/24 when there is a net.

# What vm_wait returns when it is not COMMAND's own status.
# shellcheck disable=SC2034 # for those who source this
VM_E_TIMEOUT=124 VM_E_KERNEL=97 VM_E_DIED=98 VM_E_SETUP=99

vm_lib=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
vm_cache=${DMRING_CACHE:-/var/cache/dmring}
vm_dir=			# the run's directory; out/ and one directory a guest
vm_holder=		# the process that is the namespace
vm_failed=		# not empty: keep the files
vm_private=()		# NAME=VALUE for the guest, from the scripts here
# vm_pid: of the keepers
declare -A vm_pid=() vm_up=() vm_deadline=() vm_reader=() vm_result=() vm_fifo=()

vm_say() { printf 'vm: %s\n' "$*" >&2; }

# The lines of a kernel log that fail a run, and stock noise that does not.
vm_bad_lines='WARNING:|BUG:|BUG |Oops|KASAN|KCSAN|UBSAN|ODEBUG|Kernel panic|possible recursive locking|circular locking|inconsistent lock state|suspicious RCU|unreferenced object|refcount_t:|Call Trace|hung task|blocked for more than|soft lockup|general protection|unable to handle|detected stall|self-detected|Bad page|list_(add|del) corruption|still has objects|leaked reference|non-static key|suspected memory leaks|leak detector disabled|lock held when returning|held lock freed'
vm_noise='kvm: .*unable to handle|debugfs: .*WARNING: nothing'

vm_scan() {
	VM_BAD=$vm_bad_lines VM_NOISE=$vm_noise${VM_DMESG_ALLOW:+|$VM_DMESG_ALLOW} \
		"${BASH_SOURCE[0]%/*}/bad-lines" <"$1"
}

vm_init() {
	[ -z "$vm_dir" ] || return 0
	vm_dir=$(mktemp -d "${TMPDIR:-/tmp}/dmring-vm${VM_RUN:+-$VM_RUN}.XXXXXX") || return
	VM_OUT=${VM_OUT:-$vm_dir/out}
	mkdir -p "$VM_OUT" || return
	VM_OUT=$(readlink -f "$VM_OUT")
	export VM_OUT
}

vm_cleanup() {
	local id
	for id in "${!vm_pid[@]}"; do
		vm_reap "$id"
	done
	vm_net_stop
	[ -n "$vm_dir" ] || return 0
	if [ -n "$vm_failed" ] || [ -n "${VM_KEEP:-}" ]; then
		vm_say "console, dmesg and output are in $vm_dir"
	else
		rm -rf "$vm_dir"
	fi
	vm_dir=
}
trap vm_cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# vm_find_kernel: sets vm_kernel (release), vm_kernel_dir, vm_image and vm_modules
vm_find_kernel() {
	local want=${VM_KERNEL:-6.1} d
	vm_kernel=
	if [ "$want" = debug ]; then
		vm_find_debug_kernel
		return
	fi
	# the beginning 6.1 does not mean 6.12
	for d in "$vm_cache/kernel-$want" $(printf '%s\n' "$vm_cache/kernel-$want"[!0-9]* | sort -rV); do
		[ -f "$d/boot/vmlinuz-${d##*/kernel-}" ] || continue
		vm_kernel=${d##*/kernel-}
		break
	done
	if [ -z "$vm_kernel" ]; then
		vm_say "no kernel $want in $vm_cache; run, as root: tools/setup vm (tools/setup check for 6.12)"
		return 1
	fi
	vm_image=$d/boot/vmlinux-$vm_kernel
	[ -f "$vm_image" ] || vm_image=$d/boot/vmlinuz-$vm_kernel
	vm_modules=$d/lib/modules
	vm_kernel_dir=$d
}

# The debug kernel: its release is not in its directory's name, so that nobody takes it for Debian's
vm_find_debug_kernel() {
	vm_kernel_dir=$vm_cache/kernel-debug
	vm_kernel=$(cat "$vm_kernel_dir/release" 2>/dev/null) || {
		vm_say "no debug kernel in $vm_cache; run: make check-debug, or, as root: tools/setup debug and selftests/vm/debug-kernel"
		return 1
	}
	vm_image=$vm_kernel_dir/boot/vmlinuz-$vm_kernel
	vm_modules=$vm_kernel_dir/lib/modules
}

# The initramfs is made once per kernel and recipe. A run uses a copy: another one
# with another recipe throws the cached one away.
vm_make_initramfs() {
	local key dir line file order cached
	vm_initramfs=$vm_dir/initramfs
	[ ! -f "$vm_initramfs" ] || return 0
	key=$(cat "$vm_lib/guest-boot" "$vm_lib/lib.sh" "$vm_modules/$vm_kernel/modules.dep" | cksum | cut -d' ' -f1)
	cached=$vm_kernel_dir/initramfs-$key
	cp "$cached" "$vm_initramfs.new" 2>/dev/null && mv "$vm_initramfs.new" "$vm_initramfs" && return
	dir=$vm_dir/initramfs.tree
	mkdir -p "$dir/bin" "$dir/modules"
	cp /bin/busybox "$dir/bin/" && cp "$vm_lib/guest-boot" "$dir/init" && chmod 755 "$dir/init" || return
	order=$dir/modules/order
	: >"$order"
	for line in virtio_pci 9pnet_virtio 9p overlay virtio_console virtio_net; do
		modprobe -d "$vm_kernel_dir" -S "$vm_kernel" --show-depends "$line" >>"$dir/depends" || return
	done
	while read -r line file; do
		[ "$line" = insmod ] || continue	# or builtin
		file=${file%% *}
		grep -qxF "${file##*/}" "$order" && continue
		cp "$file" "$dir/modules/" && printf '%s\n' "${file##*/}" >>"$order"
	done <"$dir/depends"
	(cd "$dir" && find . | cpio -o -H newc --quiet -R 0:0) >"$vm_initramfs.new" || return
	mv "$vm_initramfs.new" "$vm_initramfs" || return
	rm -rf "$dir"
	if [ -w "$vm_kernel_dir" ]; then
		rm -f "$vm_kernel_dir"/initramfs-*
		cp "$vm_initramfs" "$vm_kernel_dir/.initramfs.$$" &&
			mv "$vm_kernel_dir/.initramfs.$$" "$cached"
	fi
	return 0	# without a cached one it takes longer, no more
}

# /dev/kvm may exist and still hang or abort: believe it after a guest has come
# up and gone, once per boot of this machine.
vm_find_accel() {
	local memo answer='' boot
	boot=$(cat /proc/sys/kernel/random/boot_id)
	memo=$vm_cache/kvm-probe
	answer=$(sed -n "s/^$boot //p" "$memo" 2>/dev/null) || :
	if [ -z "${answer:-}" ]; then
		answer=no
		# in a shell of its own, which keeps quiet about an abort
		if [ -r /dev/kvm ] && [ -w /dev/kvm ] &&
			(timeout -k 1 10 qemu-system-x86_64 -M pc,usb=off -accel kvm -cpu host -m 256 -nodefaults -no-user-config \
				-display none -no-reboot -kernel "$vm_image" -initrd "$vm_initramfs" \
				-append "panic=-1 reboot=t vm.probe"; exit) >/dev/null 2>&1; then
			answer=yes
		fi
		{ printf '%s %s\n' "$boot" "$answer" >"$memo.$$" && mv "$memo.$$" "$memo"; } 2>/dev/null || :
	fi
	vm_kvm=$answer
}

# Without KVM the guest's TSC is this machine's. A guest that measures its rate
# itself while the machine is busy is wrong by a factor of up to six, and so are
# then all its times. Measured here once per boot; where that cannot be done
# (no compiler, not x86) the guest measures after all.
vm_find_tsc() {
	local memo boot
	boot=$(cat /proc/sys/kernel/random/boot_id)
	memo=$vm_cache/tsc-khz
	vm_tsc=$(sed -n "s/^$boot //p" "$memo" 2>/dev/null) || :
	[ -z "$vm_tsc" ] || return 0
	cc -O1 -o "$vm_dir/tsc" -x c - 2>/dev/null <<-'C' && vm_tsc=$("$vm_dir/tsc") || return 0
		#include <stdio.h>
		#include <time.h>
		#include <unistd.h>
		#include <x86intrin.h>

		/* The pair of readings that lie closest together was not interrupted. */
		static void both(double *ticks, double *ns)
		{
			unsigned long long before, after, best = ~0ULL;
			struct timespec t;
			int i;

			for (i = 0; i < 1000; i++) {
				before = __rdtsc();
				clock_gettime(CLOCK_MONOTONIC, &t);
				after = __rdtsc();
				if (after - before >= best)
					continue;
				best = after - before;
				*ticks = before + best / 2;
				*ns = t.tv_sec * 1e9 + t.tv_nsec;
			}
		}

		int main(void)
		{
			double ticks[2], ns[2];

			both(&ticks[0], &ns[0]);
			usleep(200000);
			both(&ticks[1], &ns[1]);
			printf("%.0f\n", (ticks[1] - ticks[0]) / (ns[1] - ns[0]) * 1e6);
			return 0;
		}
	C
	{ printf '%s %s\n' "$boot" "$vm_tsc" >"$memo.$$" && mv "$memo.$$" "$memo"; } 2>/dev/null || :
}

vm_prepare() {
	vm_init && vm_find_kernel || return
	command -v qemu-system-x86_64 >/dev/null || { vm_say "no qemu-system-x86_64; run, as root: tools/setup vm"; return 1; }
	vm_make_initramfs && vm_find_accel && vm_find_tsc
}

# vm_boot ID COMMAND ARGS…: one guest in the background
vm_boot() {
	local id=$1 dir name fd smp boot patience stdin=/dev/null clock='' enter=() net=() accel=() live=() ahead=()
	shift
	vm_prepare || return $VM_E_SETUP
	dir=$vm_dir/$id
	rm -rf "$dir"
	mkdir -p "$dir/share/exec" || return $VM_E_SETUP
	unset "vm_result[$id]" "vm_up[$id]"

	printf '%s\n' "$vm_lib/guest-init" >"$dir/share/init"
	{
		printf '%q ' "$@"
		echo
	} >"$dir/share/command"
	{
		for name in VM_ID="$id" VM_NAME="vm$id" VM_OUT="$VM_OUT" VM_CWD="$PWD" VM_MODULES_DIR="$vm_modules" \
			TERM="${TERM:-linux}" PATH="$PATH" VM_KERNEL="$vm_kernel" \
			VM_BAD="$vm_bad_lines" VM_NOISE="$vm_noise${VM_DMESG_ALLOW:+|$VM_DMESG_ALLOW}" "${vm_private[@]}"; do
			printf 'export %s=%q\n' "${name%%=*}" "${name#*=}"
		done
		[ -z "$vm_holder" ] || printf 'VM_ADDRESS=10.77.0.%d/24\n' "$id"
		[ -z "${VM_LOAD:-}" ] || printf 'VM_LOAD=%q\nVM_LOAD_ARGS=%q\n' "$(readlink -f "$VM_LOAD")" "${VM_LOAD_ARGS:-}"
		for name in LANG LC_ALL ${VM_ENV:-}; do
			[ -z "${!name+set}" ] || printf 'export %s=%q\n' "$name" "${!name}"
		done
	} >"$dir/share/env"

	# the tables that the debug kernel reads list packages, not cores
	boot=120
	[ "${VM_KERNEL:-}" != debug ] || boot=400
	boot=${VM_BOOT:-$boot}
	smp=${VM_CPUS:-1},sockets=${VM_CPUS:-1},cores=1,threads=1
	if [ -n "${VM_ICOUNT:-}" ]; then
		accel=(-accel "tcg,thread=single" -cpu max -icount "shift=0,sleep=off" -smp 1)
	elif [ "$vm_kvm" = yes ]; then
		accel=(-accel kvm -cpu host -smp "$smp")
	else
		accel=(-accel "tcg,thread=multi" -cpu max -smp "$smp")
		# On a busy machine the boot-time test of the timer fails, too: KVM guests leave it out.
		clock="no_timer_check${vm_tsc:+ tsc_early_khz=$vm_tsc}"
	fi
	# a host that is busy stops a guest for longer than a kernel bears by default
	patience="watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120 workqueue.watchdog_thresh=120"
	if [ -n "${VM_REALTIME:-}" ]; then
		ahead=(chrt --rr 1)
		"${ahead[@]}" true 2>/dev/null || { vm_say "no real-time priority for the guest: its times will be worse"; ahead=(); }
	fi
	if [ -n "$vm_holder" ]; then
		enter=(nsenter --net="/proc/$vm_holder/ns/net")
		net=(-netdev "tap,id=n0,ifname=tap$id,script=no,downscript=no"
			-device "virtio-net-pci,netdev=n0,mac=$(printf 52:54:00:77:00:%02x "$id"),romfile=")
	fi

	mkfifo "$dir/exec.in" "$dir/exec.out" || return $VM_E_SETUP
	# Open from now on: what is written to a pipe that QEMU has yet to open must not be lost.
	exec {fd}<>"$dir/exec.in"
	vm_fifo[$id]=$fd
	if [ -n "${VM_LIVE:-}" ]; then
		mkfifo "$dir/live" || return $VM_E_SETUP
		if [ "$VM_LIVE" = plain ]; then
			tee "$dir/output" <"$dir/live" &
		else
			tee "$dir/output" <"$dir/live" | sed -u "s/^/[$id] /" &
		fi
		vm_reader[$id]=$!
		live=(-chardev "file,id=out,path=${dir//,/,,}/live,append=on")
	else
		live=(-chardev "file,id=out,path=${dir//,/,,}/output")
	fi
	if [ -n "${VM_SHELL:-}" ]; then
		stdin=/dev/stdin
		live+=(-chardev "stdio,id=tty,signal=off" -device "virtconsole,chardev=tty")
	fi

	# slab_nomerge: the module's caches are its own, so that what is left in one is seen
	# The guest ends with us, however we end: neither a namespace nor a QEMU stays behind.
	"${ahead[@]}" "${enter[@]}" setpriv --pdeathsig KILL "$vm_lib/keeper" "$dir" "$boot" qemu-system-x86_64 -name "dmring-vm$id" \
		-M pc,usb=off "${accel[@]}" -m "${VM_MEM:-1024}" \
		-nodefaults -no-user-config -display none -no-reboot \
		-kernel "$vm_image" -initrd "$vm_initramfs" \
		-append "console=ttyS0 quiet loglevel=5 panic=-1 oops=panic reboot=t tsc=reliable $clock $patience log_buf_len=4M audit=0 net.ifnames=0 slab_nomerge ${VM_APPEND:-}" \
		-chardev "file,id=con,path=${dir//,/,,}/console" -serial chardev:con \
		-device virtio-serial-pci "${live[@]}" -device virtserialport,chardev=out,name=out \
		-chardev "pipe,id=exec,path=${dir//,/,,}/exec" -device virtserialport,chardev=exec,name=exec \
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=root,mount_tag=root \
		-fsdev "local,id=vm,path=${dir//,/,,}/share,security_model=none" -device virtio-9p-pci,fsdev=vm,mount_tag=vm \
		-fsdev "local,id=out,path=${VM_OUT//,/,,},security_model=none,multidevs=remap" -device virtio-9p-pci,fsdev=out,mount_tag=out \
		"${net[@]}" <"$stdin" {fd}>&- &
	vm_pid[$id]=$!
	echo $! >"$dir/keeper"
	vm_set_deadline "$id"
}

# Its time begins when it has come up: until then its keeper has the say.
vm_set_deadline() {
	[ -n "${vm_up[$1]:-}" ] || vm_deadline[$1]=$((SECONDS + ${VM_TIMEOUT:-300}))
	[ ! -e "$vm_dir/$1/share/booted" ] || vm_up[$1]=yes
}

vm_start() {
	local id=$1
	case $id in
	''|*[!0-9]*) vm_say "vm_start: no guest number: '$id'"; return $VM_E_SETUP ;;
	esac
	if vm_alive "$id"; then
		vm_say "guest $id is running already"
		return $VM_E_SETUP
	fi
	vm_boot "$@"
}

vm_alive() {
	[ -n "${vm_pid[$1]:-}" ] && kill -0 "${vm_pid[$1]}" 2>/dev/null
}

vm_qemu() { cat "$vm_dir/$1/pid"; }

# The guest's QEMU is gone when this returns, and all it printed is in its files.
vm_reap() {
	local id=$1 fd
	[ -n "${vm_pid[$id]:-}" ] || return 0
	# its keeper ends when QEMU has
	kill -TERM "${vm_pid[$id]}" 2>/dev/null || :
	wait "${vm_pid[$id]}" 2>/dev/null || :
	[ -z "${vm_reader[$id]:-}" ] || wait "${vm_reader[$id]}" 2>/dev/null || :
	fd=${vm_fifo[$id]}
	exec {fd}>&-
	unset "vm_pid[$id]" "vm_reader[$id]" "vm_fifo[$id]"
}

vm_kill() {
	vm_alive "$1" || { vm_say "guest $1 is not running"; return 1; }
	vm_reap "$1"
	vm_result[$1]=137
}

vm_output() {
	printf '%s\n' "$vm_dir/$1/output"
}

# vm_request ID LINE: to the guest's executor; never blocks, even when nobody reads
vm_request() {
	printf '%s\n' "$2" >&"${vm_fifo[$1]}"
}

vm_exec() {
	local id=$1
	shift
	vm_alive "$id" || { vm_say "guest $id is not running"; return $VM_E_DIED; }
	vm_set_deadline "$id"
	"$vm_lib/exec" "$vm_dir/$id" $((vm_deadline[$id] - SECONDS)) "$@"
}

vm_wait() {
	local id=$1 timed_out='' i
	if [ -n "${vm_result[$id]:-}" ]; then
		return "${vm_result[$id]}"
	fi
	[ -n "${vm_pid[$id]:-}" ] || { vm_say "guest $id was not started"; return $VM_E_SETUP; }
	while vm_alive "$id"; do
		vm_set_deadline "$id"
		if [ "$SECONDS" -ge "${vm_deadline[$id]}" ]; then
			timed_out=yes
			# If the guest still listens, it says what all its tasks are waiting for.
			vm_request "$id" stuck
			for ((i = 0; i < 50; i++)); do
				[ -e "$vm_dir/$id/share/dmesg" ] && break
				sleep 0.1
			done
			break
		fi
		sleep 0.1
	done
	vm_reap "$id"
	vm_judge "$id" "$timed_out" && vm_result[$id]=0 || vm_result[$id]=$?
	[ "${vm_result[$id]}" = 0 ] || vm_failed=yes
	return "${vm_result[$id]}"
}

# vm_judge ID TIMED_OUT: COMMAND's status, or why the run has failed whatever that was
vm_judge() {
	local dir=$vm_dir/$1 share=$vm_dir/$1/share status='' bad
	[ ! -f "$share/status" ] || status=$(cat "$share/status")
	if [ -n "$2" ]; then
		vm_say "guest $1: FAILED: killed after ${VM_TIMEOUT:-300} s"
		if [ ! -f "$share/started" ]; then
			vm_say "guest $1: it had not come up by then"
		fi
		status=$VM_E_TIMEOUT
	elif [ -z "$status" ] && [ ! -f "$share/started" ]; then
		vm_say "guest $1: FAILED: it did not boot; the end of its console and of QEMU's own messages:"
		tail -n 15 "$dir/console" "$dir/qemu.err" >&2
		status=$VM_E_DIED
	elif [ -z "$status" ]; then
		vm_say "guest $1: FAILED: it died while the command ran; the end of its console:"
		tail -n 60 "$dir/console" >&2
		status=$VM_E_DIED
	fi
	if [ -s "$share/problems" ]; then
		sed "s/^/vm: guest $1: FAILED: /" "$share/problems" >&2
		[ "$status" != 0 ] || status=$VM_E_KERNEL
	fi
	bad=$(for i in "$dir/console" "$share/dmesg" "$share/kmemleak"; do
		[ ! -s "$i" ] || vm_scan "$i"
	done | head -n 20) || :
	if [ -n "$bad" ]; then
		vm_say "guest $1: FAILED: the kernel log has:"
		printf '%s\n' "$bad" >&2
		[ "$status" != 0 ] || status=$VM_E_KERNEL
	fi
	return "$status"
}

vm_net_start() {
	local n=$1 i j tries
	vm_init || return
	[ "$(id -u)" = 0 ] || { vm_say "a net between guests needs root"; return 1; }
	[ -z "$vm_holder" ] || { vm_say "this run has a net already"; return 1; }
	# The namespace has no name: it is there as long as this process and the QEMUs in it.
	unshare --net setpriv --pdeathsig KILL sleep infinity &
	vm_holder=$!
	# until it is one: else the bridges would be made in the machine's own
	for ((tries = 0; ; tries++)); do
		[ "$(readlink "/proc/$vm_holder/ns/net")" != "$(readlink /proc/self/ns/net)" ] && break
		[ $tries -lt 1500 ] || { vm_say "this run gets no network namespace"; vm_net_stop; return 1; }
		sleep 0.02
	done
	{
		for ((i = 1; i <= n; i++)); do
			echo "link add br$i type bridge mcast_snooping 0"
			echo "link set br$i up"
			echo "tuntap add dev tap$i mode tap"
			echo "link set tap$i master br$i up"
			for ((j = 1; j < i; j++)); do
				echo "link add w$i-$j type veth peer name w$j-$i"
				echo "link set w$i-$j master br$i up"
				echo "link set w$j-$i master br$j up"
				echo "link set w$i-$j type bridge_slave isolated on"
				echo "link set w$j-$i type bridge_slave isolated on"
			done
		done
	} >"$vm_dir/net.batch"
	# No address and no neighbour discovery of the host's own on these wires.
	# shellcheck disable=SC2016 # for the inner shell
	vm_net_exec sh -c '
		[ ! -d /proc/sys/net/ipv6 ] || echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
		exec ip -batch "$1"' sh "$vm_dir/net.batch" && return
	vm_say "this machine's kernel cannot make the guests' net (bridge, veth and TAP devices are needed)"
	vm_net_stop
	return 1
}

# vm_net_exec COMMAND…: on the host, inside the run's namespace
vm_net_exec() {
	nsenter --net="/proc/$vm_holder/ns/net" "$@"
}

vm_cut() {
	vm_net_exec ip link set "w$1-$2" down
}

vm_heal() {
	vm_net_exec ip link set "w$1-$2" up
}

vm_net_stop() {
	local id
	[ -n "$vm_holder" ] || return 0
	for id in "${!vm_pid[@]}"; do
		vm_reap "$id"
	done
	kill -KILL "$vm_holder" 2>/dev/null || :
	wait "$vm_holder" 2>/dev/null || :
	vm_holder=
}
