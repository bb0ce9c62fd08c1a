#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a machine can see of style: checkpatch --strict on all C but the tests, W=1 and
# sparse on the module for the guest's kernel and for 6.12, warnings of the
# user-space parts, ranks (includes go to lower ranks only), sans-IO of the
# core, kernel-version checks in kmod/compat alone. KTAP; silence is a pass.
set -u
cd "$(dirname "$0")/.." || exit 1

cache=${DMRING_CACHE:-/var/cache/dmring}
checkpatch=$cache/linux-source-6.1/scripts/checkpatch.pl
kernel=${KERNELDIR:-$(ls -d /usr/src/linux-headers-6.1.*-amd64 | sort -V | tail -n 1)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
count=0

# report NAME: a pass if standard input is empty, else its lines are shown
report() {
	local out
	out=$(cat)
	count=$((count + 1))
	if [ -z "$out" ]; then
		echo "ok $count $1"
	else
		failed=$((failed + 1))
		echo "not ok $count $1"
		printf '%s\n' "$out" | head -n 40 | sed 's/^/# /'
	fi
}

# Trace headers are written in a form of their own, which checkpatch does not know;
# version checks are what kmod/compat is for.
run_checkpatch() {
	git ls-files '*.c' '*.h' ':!selftests' | while read -r f; do
		case $f in
		kmod/trace.h) ignore=PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE ;;
		kmod/compat/*) ignore=LINUX_VERSION_CODE,CONSTANT_COMPARISON ;;
		*) ignore=none ;;
		esac
		"$checkpatch" --no-tree --strict --terse --no-summary --ignore "$ignore" -f "$f"
	done 2>&1
}

# A copy, so that two builds do not meet
build_module() {
	local dir=$work/$1
	mkdir -p "$dir"
	git ls-files kmod include | cpio -pdm --quiet "$dir"
	if ! make -s -C "$2" M="$dir/kmod" W=1 C=2 modules > "$dir/log" 2>&1; then
		echo "the build failed"
	fi
	grep -v 'Skipping BTF' "$dir/log"
}

# A copy here too: somebody may be using what is built
build_user() {
	mkdir -p "$work/user"
	git ls-files ulib ctl bench include | cpio -pdm --quiet "$work/user"
	for d in ulib ctl bench; do
		[ -d "$work/user/$d" ] || continue
		make -s -C "$work/user/$d" 2>&1
	done
}

# The rank of each file of the module, as kmod/main.c lists them
rank_of() {
	case $1 in
	trace*|stats*|event*|why*) echo 1 ;;
	slot*|log*|marks*|link*) echo 2 ;;
	netns*|ring*|hosts*|member*|group*|thread*|direct*|output*) echo 3 ;;
	wait*|room*|slow*|pump*|news*|append*|requests*|parcels*|services*) echo 4 ;;
	election*|neighbours*|proxy*|views*) echo 5 ;;
	mmap*|file_io*|chardev*|netlink*) echo 6 ;;
	main*) echo 7 ;;
	*) echo 99 ;;
	esac
}

ranks() {
	local f inc
	for f in $(git ls-files 'kmod/*.[ch]' | grep -v /core/ | grep -v /compat/); do
		f=${f#kmod/}
		for inc in $(sed -n 's/^#include "\([a-z_]*\.h\)".*/\1/p' "kmod/$f"); do
			if [ "$(rank_of "$inc")" -gt "$(rank_of "$f")" ]; then
				echo "$f includes $inc, which has a higher rank"
			fi
		done
	done
}

echo "KTAP version 1"
echo "1..7"
report "checkpatch --strict is silent" < <(run_checkpatch)
report "W=1 and sparse are silent, kernel 6.1" < <(build_module guest "$kernel")
report "W=1 and sparse are silent, kernel 6.12" < <(build_module new "$cache/headers-6.12")
report "includes go to lower ranks only" < <(ranks)
report "the core includes nothing that acts" < <(
	grep -nE '#include <(linux/(sched|kthread|net|socket|slab|mutex|spinlock|wait)|net/)' \
		kmod/core/*.[ch])
report "kernel versions are compared in kmod/compat alone" < <(
	git grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION\(' -- '*.[ch]' ':!kmod/compat')
report "the user-space parts build without a warning" < <(build_user)
[ "$failed" -eq 0 ]
