#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Does run-all count right, and can nothing that fails pass for a success? Suites
# with canned output are run in the place of the real ones. KTAP.
#
#   canned output + exit status --> run-all --> its last line, its exit status

set -u
unset KEEP JOBS KERNEL
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
number=0 failed=0
kind=host	# of the suite

# result STATUS NAME WHY: the last run of run-all was as it should be if STATUS is 0
result() {
	number=$((number + 1))
	[ "$1" != 0 ] || { echo "ok $number $2"; return; }
	failed=$((failed + 1))
	sed 's/^/# /' "$tmp/out"
	echo "# $3"
	echo "not ok $number $2"
}

# expect STATUS "SUM" NAME CANNED-STATUS: canned output on standard input
expect() {
	local status sum
	cat >"$tmp/canned"
	printf '#!/bin/sh\ncat %s\nexit %s\n' "$tmp/canned" "$4" >"$tmp/suite"
	chmod +x "$tmp/suite"
	echo "canned | $kind | | $tmp/suite" >"$tmp/table"
	SUITES=$tmp/table selftests/run-all >"$tmp/out" 2>&1
	status=$?
	sum=$(tail -n 1 "$tmp/out")
	[ "$status" = "$1" ] && [ "$sum" = "$2" ]
	result $? "$3" "status $status, expected $1; expected \"$2\""
}

echo "KTAP version 1"
echo "1..28"

expect 0 "2 passed, 0 failed, 0 skipped" "all is well" 0 <<'T'
KTAP version 1
1..2
ok 1 one
ok 2 two
T
expect 1 "1 passed, 1 failed, 0 skipped" "a failure" 1 <<'T'
1..2
ok 1 one
not ok 2 two
T
[ "$(grep -A 9 '^# failed: canned$' "$tmp/out" | grep -c '^#   not ok 2 two$')" = 1 ]
result $? "what failed is repeated at the end" "it was not, or more than once"
expect 1 "1 passed, 1 failed, 0 skipped" "a failure that the exit status hides" 0 <<'T'
1..2
ok 1 one
not ok 2 two
T
expect 1 "2 passed, 1 failed, 0 skipped" "an exit status without a failure" 3 <<'T'
1..2
ok 1 one
ok 2 two
T
expect 1 "1 passed, 2 failed, 0 skipped" "results that are missing" 0 <<'T'
1..3
ok 1 one
T
expect 1 "0 passed, 1 failed, 0 skipped" "no output at all" 0 </dev/null
expect 1 "0 passed, 1 failed, 0 skipped" "a plan and nothing else" 0 <<'T'
1..1
T
expect 0 "1 passed, 0 failed, 1 skipped" "a skip" 0 <<'T'
1..2
ok 1 one
ok 2 two # SKIP there is no two
T
expect 0 "2 passed, 0 failed, 1 skipped" "a suite that was cut off" 0 <<'T'
KTAP version 1
1..2
  KTAP version 1
  1..5
  ok 1 a
ok 1 long in 9 s # SKIP cut off after 9 s: the time is up
ok 2 other
T
expect 1 "1 passed, 1 failed, 1 skipped" "a failure in a suite that was cut off" 0 <<'T'
1..1
  1..5
  ok 1 a
  not ok 2 b
ok 1 long in 9 s # SKIP cut off after 9 s: the time is up
T
expect 0 "3 passed, 0 failed, 0 skipped" "results of results are counted once" 0 <<'T'
KTAP version 1
1..2
  KTAP version 1
  1..2
  ok 1 a
  ok 2 b
ok 1 both
ok 2 alone
T
expect 1 "2 passed, 1 failed, 0 skipped" "a failure inside" 1 <<'T'
1..2
    1..2
    ok 1 a
    not ok 2 b
not ok 1 both
ok 2 alone
T
expect 1 "3 passed, 1 failed, 0 skipped" "a failure outside, none inside" 1 <<'T'
1..2
  1..2
  ok 1 a
  ok 2 b
not ok 1 both
ok 2 alone
T
expect 1 "1 passed, 1 failed, 0 skipped" "it bails out" 0 <<'T'
1..1
ok 1 one
Bail out! the rest makes no sense
T
expect 1 "2 passed, 1 failed, 0 skipped" "two programs, the first one cut short" 0 <<'T'
TAP version 13
1..2
ok 1 one
TAP version 13
1..1
ok 1 two
T
expect 0 "2 passed, 0 failed, 0 skipped" "the plan comes last" 0 <<'T'
ok 1 one
ok 2 two
1..2
T
expect 1 "2 passed, 1 failed, 0 skipped" "the plan comes last, and says more" 0 <<'T'
ok 1 one
ok 2 two
1..3
T

UNTIL=1 expect 0 "0 passed, 0 failed, 1 skipped" "the time for the tests is up" 1 <<'T'
1..1
not ok 1 one
T

echo "9 lazy - $tmp/suite" >"$tmp/turn"
UNTIL=$(($(date +%s) + 5)) selftests/vm/in-turn /dev/null "$tmp/turn" >"$tmp/out" 2>&1 &&
	grep -q '^ok 1 lazy # SKIP it takes 9 s, and -*[0-9]* are left$' "$tmp/out"
result $? "there is no time left for a suite in turn" "it was not skipped in words"

# Whoever ends run-all ends what it has started, and what that has
ends_all() {
	local runner i suite status
	printf '#!/bin/sh\nsleep 1000 &\necho $! >%s\nwait\n' "$tmp/pid" >"$tmp/suite"
	echo "long | $kind | | $tmp/suite" >"$tmp/table"
	SUITES=$tmp/table selftests/run-all >"$tmp/out" 2>&1 &
	runner=$!
	for ((i = 0; i < 300; i++)); do
		[ ! -s "$tmp/pid" ] || break
		sleep 0.1
	done
	kill -TERM $runner
	wait $runner
	status=$?
	read -r suite <"$tmp/pid" || return
	# ended, whether or not somebody has asked for its status
	for ((i = 0; i < 100; i++)); do
		grep -q '^State:[[:space:]][^ZX]' "/proc/$suite/status" 2>/dev/null || break
		sleep 0.1
	done
	[ $i -lt 100 ] || { kill "$suite"; return 1; }
	[ $status = 130 ]
}
ends_all
result $? "what is ended ends its suites" "its suite goes on, or it did not end with status 130"

# Those that run beside the others count like them
kind=side
expect 0 "1 passed, 0 failed, 0 skipped" "beside the others" 0 <<'T'
1..1
ok 1 one
T
expect 1 "0 passed, 1 failed, 0 skipped" "a failure beside the others" 1 <<'T'
1..1
not ok 1 one
T
rm "$tmp/pid"
ends_all
result $? "what is ended ends what runs beside, too" "its suite goes on, or it did not end with status 130"

# After those, suites from the end of the table run beside the first ones: it waits for the last.
cat >"$tmp/suite" <<'T'
#!/bin/sh
echo 1..1
[ "$1" != last ] || touch "$0.ran"
for i in $(seq 100); do
	[ ! -e "$0.ran" ] && [ "$1" != side ] || { echo "ok 1 $1"; exit; }
	sleep 0.1
done
echo "not ok 1 $1"
T
cat >"$tmp/table" <<T
first | host | | $tmp/suite first
beside | side | | $tmp/suite side
last | host | | $tmp/suite last
T
JOBS=1 SUITES=$tmp/table selftests/run-all >"$tmp/out" 2>&1
result $? "then the last suites run beside the first" "$(grep 'not ok' "$tmp/out" | tr '\n' ' ')"

echo "lazy | guest | | $tmp/suite" >"$tmp/table"
KERNEL=debug SUITES=$tmp/table selftests/run-all >"$tmp/out" 2>&1
[ $? = 2 ] && grep -q 'how long lazy takes on the debug kernel is missing' "$tmp/out"
result $? "a suite of which nobody knows how long it takes there" "it was not refused in words"

# Each suite is in one share of those on the debug kernel
printf '#!/bin/sh\necho "$1" >>%s\necho 1..1\necho ok 1 "$1"\n' "$tmp/ran" >"$tmp/suite"
for i in 1 2 3 4 5; do
	echo "n$i | host | | | 1 $tmp/suite n$i"
done >"$tmp/table"
: >"$tmp/ran"
for i in 1 2 3; do
	KERNEL=debug SHARE=$i/3 SUITES=$tmp/table selftests/run-all >"$tmp/out" 2>&1
	wc -l <"$tmp/ran" >>"$tmp/after"
done
[ "$(sort "$tmp/ran" | tr '\n' ' ')" = "n1 n2 n3 n4 n5 " ] && [ "$(head -n 1 "$tmp/after")" = 2 ]
result $? "shares of the suites on the debug kernel" "$(tr '\n' ' ' <"$tmp/ran") ran in all, $(tr '\n' ' ' <"$tmp/after")after each share"

SHARE=3 SUITES=$tmp/table selftests/run-all >"$tmp/out" 2>&1
[ $? = 2 ] && grep -q 'SHARE is K/N' "$tmp/out"
result $? "a share of nobody knows how many" "it was not refused in words"
[ $failed -eq 0 ]
