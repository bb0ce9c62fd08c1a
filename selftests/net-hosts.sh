#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Rings over several hosts in one guest: how they form, what happens when links
# are cut and hosts go, who is proxy, what slow readers do. The rings lie over the
# namespaces that are drawn in net/common.sh.
#
#   net-hosts.sh [TEST…]     all, or those named (without their "t_")

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=net/common.sh
. "$here/net/common.sh"
# shellcheck source=net/hosts-form.sh
. "$here/net/hosts-form.sh"
# shellcheck source=net/hosts-away.sh
. "$here/net/hosts-away.sh"
# shellcheck source=net/hosts-members.sh
. "$here/net/hosts-members.sh"

tests=("$@")
[ $# != 0 ] || mapfile -t tests < <(grep -ohE '^t_[a-z0-9_]+' "$here"/net/hosts-*.sh | sed 's/^t_//')
plan ${#tests[@]}
must [ -x "$flood" ]
for name in "${tests[@]}"; do
	begin=$SECONDS
	"t_$name"
	everything_gone
	note "$name took $((SECONDS - begin)) s"
	verdict "$name: ${about[$name]}"
done
finish
