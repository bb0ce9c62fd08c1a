# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the module takes of the kernel's memory, before and after; to be sourced.

# What may differ between two measurements without a leak (KiB). 100 slots are
# 4,400 KiB of vmalloc. A single member left behind is seen by the kernel itself: it
# warns when their cache is destroyed, and a warning fails the run.
vmalloc_noise=512
slab_noise=96
free_noise=8192	# of all memory
# KASAN keeps what is freed for a while, up to a 32nd of memory; leaks are kmemleak's to find there
if grep -qw kasan_report /proc/kallsyms; then
	slab_noise=2048
	free_noise=$((free_noise + $(awk '/^MemTotal:/ { print int($2 / 32) }' /proc/meminfo)))
fi

# RCU and work queues come to rest, caches are given back
settle() {
	local i cache
	for i in 1 2; do
		sync
		echo 3 >/proc/sys/vm/drop_caches
		for cache in /sys/kernel/slab/kmalloc-* /sys/kernel/slab/dmring*; do
			echo 1 >"$cache/shrink"
		done
		sleep 1
	done 2>/dev/null
}

# KiB of vmalloc, KiB of active kmalloc objects, kernel threads of ours
measure() {
	settle
	awk '
	/^VmallocUsed:/ { vmalloc = $2 }
	/^(kmalloc-|dmring)/ && $1 !~ /rcl/ { slab += $2 * $4 }
	END { printf "%d %d ", vmalloc, slab / 1024 }' /proc/meminfo /proc/slabinfo
	grep -l '^dmring' /proc/[0-9]*/comm 2>/dev/null | wc -l
}

# KiB that are free, or would be if somebody needed them. MemFree leaves out the free pages
# on the CPUs' own lists (zoneinfo: count), which are tens of MiB, now here and now there.
free_kb() {
	settle
	awk '
	/^MemFree:/ { f = $2 }
	/^(Cached|Buffers|SReclaimable):/ { f += $2 }
	/^ +count:/ { f += 4 * $2 }
	END { print f }' /proc/meminfo /proc/zoneinfo
}

# Is the second measurement back at the first?
compare() {
	local v0 s0 t0 v1 s1 t1
	read -r v0 s0 t0 <<<"$1"
	read -r v1 s1 t1 <<<"$2"
	echo "# vmalloc $v0 -> $v1 KiB, kmalloc $s0 -> $s1 KiB, threads $t0 -> $t1"
	[ $((v1 - v0)) -le $vmalloc_noise ] && [ $((s1 - s0)) -le $slab_noise ] && [ "$t1" = "$t0" ]
}

# comes_back BEFORE: is it back there, or soon? The CPUs' own slabs count as in use, and who stands
# still holds up RCU.
comes_back() {
	local tries said
	for ((tries = 0; tries < 20; tries++)); do
		said=$(compare "$1" "$(measure)") && break
	done
	echo "$said"
	[ $tries -lt 20 ]
}

# All caches, KiB each: what has grown can be told by name
caches() { awk 'NR > 2 { printf "%s %d\n", $1, $2 * $4 / 1024 }' /proc/slabinfo | sort; }

# caches_grown BEFORE AFTER: of two files of caches(), those that grew most
caches_grown() {
	join "$1" "$2" | awk '$3 - $2 >= 8 { printf "%d %s +%d KiB\n", $3 - $2, $1, $3 - $2 }' |
		sort -rn | head -n 8 | cut -d' ' -f2- | tr '\n' ' '
}
