#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The whole flood: 1,000,000 messages of 1 to 4096 random bytes from 4 senders on
# 3 hosts to 6 receivers, with 20 link cuts; see net-flood.sh. In a guest, as root:
#
#   selftests/vm/run --timeout 5400 --load kmod/dmring.ko -- selftests/net-million.sh [SEED]

exec "$(dirname "$(readlink -f "$0")")/net-flood.sh" 1000000 20 "$@"
