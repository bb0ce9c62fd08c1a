# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# KTAP for bash scripts: checks say what they found, a verdict sums them up.

test_no=0 test_failed=0 test_bad=

plan() {
	printf 'KTAP version 1\n1..%d\n' "$1"
	test_plan=$1
}

note() { printf '# %s\n' "$*"; }

# bad SENTENCE…: this test has failed; it goes on, to say all there is to say
bad() {
	note "FAILED: $*"
	test_bad=yes
}

# must COMMAND…: without it nothing that follows makes sense
must() {
	"$@" && return
	printf 'Bail out! %s\n' "$*"
	exit 1
}

# verdict NAME: of all that was checked since the last one
verdict() {
	test_no=$((test_no + 1))
	if [ -z "$test_bad" ]; then
		printf 'ok %d %s\n' $test_no "$1"
	else
		printf 'not ok %d %s\n' $test_no "$1"
		test_failed=$((test_failed + 1))
	fi
	test_bad=
}

# finish: the last line, and the exit status
finish() {
	if [ "$test_no" != "$test_plan" ]; then
		note "FAILED: $test_no tests of $test_plan ran"
		test_failed=$((test_failed + 1))
	fi
	note "$((test_no - test_failed)) passed, $test_failed failed, ${SECONDS} s"
	[ "$test_failed" = 0 ]
}

# equal WHAT WANTED GOT
equal() {
	[ "$2" = "$3" ] || bad "$1: expected '$2', got '$3'"
}

# matches WHAT PATTERN TEXT: an extended regular expression
matches() {
	grep -qE -- "$2" <<<"$3" || bad "$1: expected /$2/, got '$3'"
}

# succeeds COMMAND…: quiet, unless it fails
succeeds() {
	local out
	out=$("$@" 2>&1) || bad "$*: status $?: $out"
}

# refused STATUS PATTERN COMMAND…
refused() {
	local want=$1 pattern=$2 out status
	shift 2
	out=$("$@" 2>&1)
	status=$?
	[ $status = "$want" ] || bad "$*: status $status, expected $want"
	matches "$*" "$pattern" "$out"
}

# How many times as long as on a fast machine whatever is waited for may take
slower=${DMRING_SLOWER:-1}

# until_true SECONDS COMMAND…: again and again; fails when the time is over and it has been asked
# twenty times: a machine that stood still meanwhile has not answered
until_true() {
	local end=$((${EPOCHREALTIME/./} + $1 * slower * 1000000)) left=20
	shift
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || [ "${EPOCHREALTIME/./}" -lt $end ] || return 1
		sleep 0.1
	done
}

ms_now() { echo $((${EPOCHREALTIME/./} / 1000)); }
