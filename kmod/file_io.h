/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * read(2) and write(2), for members that map nothing; and messages that do not
 * fit an input space.
 */
#ifndef _DMRING_FILE_IO_H
#define _DMRING_FILE_IO_H

#include <linux/fs.h>

struct dmring_member;

ssize_t dmring_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t dmring_write_iter(struct kiocb *iocb, struct iov_iter *from);

/*
 * DMRING_IOC_SEND: 0, -EMSGSIZE over the ring's largest message, -EAGAIN one is
 * waiting already, -EFAULT, -ENOMEM, -EPROTO in_tail is nonsense.
 */
int dmring_send_big(struct dmring_member *m, const void __user *data, u32 len);

#endif /* _DMRING_FILE_IO_H */
