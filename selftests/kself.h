/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The harness of the kernel's own selftests, with time for slow guests.
 *
 * Every test runs in a child process and process group of its own, so what it
 * leaves open goes with it. It makes its own ring, named after its process.
 */
#ifndef _DMRING_KSELF_H
#define _DMRING_KSELF_H

#include <kselftest_harness.h>

/* For what hangs: an emulated guest on a busy machine is slower than anybody would think */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	600

#endif /* _DMRING_KSELF_H */
