// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * echo RING		serves "echo": the reply is what was asked
 * echo RING TEXT	asks, and prints the reply
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <dmring.h>

static int failed(void)
{
	fprintf(stderr, "%s\n", dmring_why());
	return 1;
}

static int ask(struct dmring *ring, const char *text)
{
	static char buf[DMRING_DIRECT_MAX];
	ssize_t n = dmring_call(ring, "echo", text, strlen(text), buf, sizeof(buf), 5000);

	if (n < 0)
		return failed();
	printf("%.*s\n", (int)n, buf);
	return 0;
}

/* In place: what was asked stays until it is released */
static void reply(struct dmring *ring, const struct dmring_msg *m)
{
	size_t room = m->len + sizeof(struct dmring_in_reply);

	while (dmring_reply(ring, m->ref, m->data, m->len) == -EAGAIN)
		dmring_wait(ring, DMRING_WAIT_WRITE, room, -1);
}

static int serve(struct dmring *ring)
{
	struct dmring_msg m;
	int ret = 0;

	if (dmring_offer(ring, "echo", NULL))
		return failed();
	while (!ret || ret == -EAGAIN) {
		dmring_wait(ring, DMRING_WAIT_READ, 1, -1);
		ret = dmring_peek(ring, &m);
		if (ret)
			continue;
		if (m.type == DMRING_REC_REQUEST && m.ref)
			reply(ring, &m);
		dmring_release(ring);
	}
	return failed();
}

int main(int argc, char **argv)
{
	/* "send only": no messages, but requests and replies */
	const struct dmring_opts opts = {
		.size = sizeof(opts),
		.flags = DMRING_CALLS | DMRING_SEND_ONLY,
		.in_size = 65536,	/* for the longest ones */
	};
	struct dmring *ring;
	int ret;

	if (argc < 2 || argc > 3)
		return fprintf(stderr, "usage: echo RING [TEXT]\n"), 2;
	if (dmring_attach(&ring, argv[1], &opts))
		return failed();
	ret = argc == 3 ? ask(ring, argv[2]) : serve(ring);
	dmring_detach(ring);
	return ret;
}
