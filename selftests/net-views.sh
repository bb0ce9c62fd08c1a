#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# From one view to the next, in real kernels: hosts that die, come, come back and are cut off,
# under load; coordinators that die; readers that stand still. The coordinator is
# net/coordinator. Every receiver tells what came in each view: how many messages, up to
# which of each sender, and a sum over their sequence.
#
#   net-views.sh ORDER [TEST…]     all tests, or those named (without their "t_")

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=net/common.sh
. "$here/net/common.sh"
# shellcheck source=net/views.sh
. "$here/net/views.sh"

order=${1:-fifo}
shift
# shellcheck disable=SC2046 # names of tests
[ $# != 0 ] || set -- $(tests_in "$here/net/views.sh")
run_tests ", order $order" "$@"
