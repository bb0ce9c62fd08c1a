// SPDX-License-Identifier: GPL-2.0-only
/*
 * One sender's messages in the order in which they were sent, whichever way they went (I1).
 *
 *	mix send RING COUNT SEED	numbers from 0, by chance to all or to each of "mix"
 *	mix take RING COUNT		serves "mix": wants each number once, in order
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dmring.h>

#include "../random.h"

#define EACH	(DMRING_REQUEST_ONE_WAY | DMRING_REQUEST_EACH)

static int send_one(struct dmring *r, bool direct, const void *data, size_t len, __u64 no)
{
	return direct ? dmring_call_start(r, "mix", data, len, no, EACH, -1) :
			dmring_send(r, data, len);
}

static int send_all(struct dmring *r, unsigned int count, __u64 seed)
{
	unsigned int i, direct = 0;
	struct dmring_ev ev;
	char data[700];
	int ret;

	for (i = 0; i < count; i++) {
		bool is_direct = next_random(&seed) % 2;
		size_t len = sizeof(i) + next_random(&seed) % (sizeof(data) - sizeof(i));

		memset(data, i, sizeof(data));
		memcpy(data, &i, sizeof(i));
		direct += is_direct;
		while ((ret = send_one(r, is_direct, data, len, i)) == -EAGAIN)
			dmring_wait(r, DMRING_WAIT_WRITE, sizeof(data) + 64, 1000);
		if (ret) {
			printf("number %u: %s\n", i, dmring_why());
			return 1;
		}
	}
	/* all is on its way when the input space is empty; then a moment for what comes back */
	while (dmring_wait(r, DMRING_WAIT_WRITE, 32768 - 16, 1000) == -ETIMEDOUT)
		;
	dmring_wait(r, DMRING_WAIT_READ, 1, 500);
	while (!dmring_event(r, &ev))
		if (ev.what == DMRING_EV_UNDELIVERED) {
			printf("number %llu was not delivered\n", (unsigned long long)ev.arg);
			return 1;
		}
	printf("sent %u, %u of them to each\n", count, direct);
	return 0;
}

static int take_all(struct dmring *r, unsigned int count)
{
	unsigned int i = 0, no, direct = 0;
	struct dmring_msg m;
	int ret;

	if (dmring_offer(r, "mix", NULL))
		return 1;
	while (i < count) {
		ret = dmring_peek(r, &m);
		if (ret == -EAGAIN && !dmring_wait(r, DMRING_WAIT_READ, 1, 60000))
			continue;
		if (ret) {
			printf("after %u: %s\n", i, dmring_strerror(ret));
			return 1;
		}
		memcpy(&no, m.data, sizeof(no));
		if (no != i || (m.len > sizeof(no) && ((char *)m.data)[m.len - 1] != (char)no)) {
			printf("number %u came where %u was due\n", no, i);
			return 1;
		}
		direct += m.type == DMRING_REC_REQUEST;
		i++;
		dmring_release(r);
	}
	printf("took %u, %u of them as requests\n", i, direct);
	return 0;
}

int main(int argc, char **argv)
{
	bool sends = argc == 5 && !strcmp(argv[1], "send");
	struct dmring_opts o = {
		.size = sizeof(o), .out_size = 1 << 20,
		.flags = DMRING_CALLS | (sends ? DMRING_SEND_ONLY : 0),
	};
	struct dmring *r;
	int ret;

	if (!sends && (argc != 4 || strcmp(argv[1], "take")))
		return 2;
	if (dmring_attach(&r, argv[2], &o)) {
		printf("%s\n", dmring_why());
		return 1;
	}
	ret = sends ? send_all(r, atoi(argv[3]), strtoull(argv[4], NULL, 0)) :
		      take_all(r, atoi(argv[3]));
	dmring_detach(r);
	return ret;
}
