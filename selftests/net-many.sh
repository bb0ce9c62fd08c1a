#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Many hosts in one guest, half of what a ring can have: it forms, and one message of
# each reaches all. The drawing is in net/common.sh.
#
#   net-many.sh [HOSTS]      (64; the guest needs 2 GiB for them)

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=net/common.sh
. "$here/net/common.sh"
# shellcheck source=net/hosts-form.sh
. "$here/net/hosts-form.sh"

count=${1:-64}
plan 2
must [ -x "$flood" ]
# beats of 64 hosts on few processors: patience
forms "$count" log 512K dead 10000
verdict "$count hosts form a ring, one message from each to all"
everything_gone
verdict 'nothing of it stays behind'
finish
