/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/dmring.
 */
#ifndef _DMRING_CHARDEV_H
#define _DMRING_CHARDEV_H

int dmring_chardev_init(void);
void dmring_chardev_exit(void);

#endif /* _DMRING_CHARDEV_H */
