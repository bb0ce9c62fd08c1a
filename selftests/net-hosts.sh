#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Rings over several hosts in one guest: how they form, what happens when links
# are cut and hosts go, who is proxy, what slow readers do. The rings lie over the
# namespaces that are drawn in net/common.sh.
#
#   net-hosts.sh [TEST…]     all, or those named (without their "t_"); "form", "away" and
#                            "members" for those of a file

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=net/common.sh
. "$here/net/common.sh"
# shellcheck source=net/hosts-form.sh
. "$here/net/hosts-form.sh"
# shellcheck source=net/hosts-away.sh
. "$here/net/hosts-away.sh"
# shellcheck source=net/hosts-members.sh
. "$here/net/hosts-members.sh"

[ $# != 0 ] || set -- form away members
tests=()
for name; do
	if [ -e "$here/net/hosts-$name.sh" ]; then
		mapfile -t -O ${#tests[@]} tests < <(tests_in "$here/net/hosts-$name.sh")
	else
		tests+=("$name")
	fi
done
run_tests '' "${tests[@]}"
