/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words of the kernel's enumerations, in their order, for reading and printing
 */
#ifndef RINGCTL_NAMES_H
#define RINGCTL_NAMES_H

extern const char *const scope_names[];
extern const char *const order_names[];
extern const char *const slow_names[];
extern const char *const state_names[];
extern const char *const link_names[];
extern const char *const phase_names[];
extern const char *const away_names[];
extern const char *const ntf_names[];
extern const char *const reason_names[];
extern const char *const term_names[];

#endif /* RINGCTL_NAMES_H */
