# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What bash scripts ask of netlink sockets: to be sourced.

# subscribed PID: has it joined a multicast group of generic netlink (16), in its own namespace?
subscribed() {
	local protocol port groups
	while read -r _ protocol port groups _; do
		[ "$protocol $port" != "16 $1" ] || [ $((16#$groups)) = 0 ] || return 0
	done 2>/dev/null <"/proc/$1/net/netlink"
	return 1
}
