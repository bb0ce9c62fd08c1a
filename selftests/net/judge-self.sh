#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Does the judge find what is wrong? A history of three hosts, one of which dies, is sound; then
# something is wrong with it, another thing each time.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=ktap.sh
. "$here/ktap.sh"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# What came in view 1 (host 3 delivered a message less), and in view 2
first='0 of 0|0 of 2|0 of 1|1 of 0|1 of 2|1 of 1|2 of 0'
second='3 of 0|2 of 1|3 of 1|4 of 0'

receiver() { # HOST, messages of view 1, of view 2
	sed -E 's/([^|]+)\|?/message \1\n/g' <<<"$2" | head -n -1
	echo 'before 2: received 7 sequence 0 next 0,0,0'
	echo 'view 2 hosts 1 2 -3:1'
	sed -E 's/([^|]+)\|?/message \1\n/g' <<<"$3" | head -n -1
	echo 'recv v: received 11 lost 0 doubled 0'
} >"$tmp/recv$1"

sound() {
	cat >"$tmp/book" <<-'T'
		number 1 prev 0 hosts 1:a1:stays,2:b2:stays,3:c3:stays quorum
		number 2 prev 1 hosts 1:a1:stays,2:b2:stays cut 1:3,2:2,3:2 sequencer 1 ordered 7 base 8 quorum
	T
	receiver 1 "$first" "$second"
	receiver 2 "$first" "$second"
	sed -E 's/([^|]+)\|?/message \1\n/g' <<<"${first%|*}" | head -n -1 >"$tmp/recv3"
}

judge() { "$here/judge" "$1" "$tmp/book" "1=$tmp/recv1" "2=$tmp/recv2" "3=$tmp/recv3" 2>&1; }

# wrong ORDER WHAT SED-SCRIPT FILE: what it then finds
wrong() {
	local said status
	sound
	sed -i "$3" "$tmp/$4"
	said=$(judge "$1")
	status=$?
	equal status 1 $status
	matches 'what is said' "$2" "$said"
	verdict "order $1: $2"
}

plan 15
must [ -x "$here/judge" ]
sound
for order in fifo total safe; do
	matches "order $order" '^28 messages' "$(judge $order || echo 'found a fault')"
	[ "$(judge $order | wc -l)" = 1 ] || bad "$(judge $order)"
done
verdict 'a sound history is sound'
wrong fifo 'not what the others delivered|lost, doubled' '/^message 1 of 0/d' recv2
wrong fifo 'lost, doubled or out of order' '/^message 1 of 0/p' recv1
wrong fifo 'not what the others delivered|accepted message is missing' '/^message 2 of 0/d' recv1
wrong fifo 'not in view 2' '/^view 2/a message 2 of 2' recv1
wrong fifo 'nobody installed' 's/^view 2/view 3/' recv1
wrong fifo 'accepted message is missing' 's/1:3,2:2/1:4,2:2/' book
wrong total 'another sequence' '/^message 3 of 1/{h;d};/^message 4 of 0/G' recv2
wrong total 'another sequence' '1{h;d};2G' recv2
wrong safe 'not safe' '$a message 2 of 0\nmessage 2 of 1' recv3
wrong safe 'another sequence|lost' '/^message 0 of 2/d' recv3

# what is not there cannot be judged
sound
: >"$tmp/recv2"
said=$(judge fifo)
equal status 2 $?
matches 'what is said' 'recv2' "$said"
verdict 'a receiver that says nothing'
sound
sed -i '/^message/d' "$tmp"/recv?
said=$(judge fifo)
equal status 2 $?
verdict 'receivers without messages'

# two parts of one number, in one of which only members leave
sound
echo 'number 2 prev 1 hosts 3:c3:stays cut 1:2,2:2,3:2 sequencer 3 ordered 0 base 8' >>"$tmp/book"
printf '%s\n' 'view 2 without quorum hosts 3 -1:2 -2:2' 'event left node 3 arg 1 reason 1' >>"$tmp/recv3"
matches 'what is said' '^28 messages' "$(judge fifo)"
verdict 'a departure without a quorum'

# a message of one who stays that is in neither view, at nobody
sound
sed -i '/^message 3 of 0/d;/^message 4 of 0/d' "$tmp/recv1" "$tmp/recv2"
sed -i '/^message 3 of 1/a message 4 of 0' "$tmp/recv1" "$tmp/recv2"
said=$(judge fifo)
equal status 1 $?
matches 'what is said' 'between views: of host 1 message 4 is the first of view 2, due was 3' "$said"
verdict 'a message lost between two views'
finish
