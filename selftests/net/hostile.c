// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile: a neighbour that breaks the protocol in every way, one after the
 * other, to a ring of the module in this network namespace. After each, the
 * ring has to work again: both links, a message in each direction.
 *
 *   hostile [-f SECONDS] [-r SEED]     KTAP; -f: how long to fuzz
 *
 * See fake.h for who is who.
 */
#include <getopt.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "hostile.h"
#include "hostile-member.h"

static struct fake fake;
static u32 number;		/* of the last message from the fake to it */
static bool failed;

void hostile_failed(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# FAILED: ");
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
	failed = true;
}

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/*
 * The module's host
 */

static int run(const char *command)
{
	int status = system(command);

	if (status)
		hostile_failed("%s: status %d", command, status);
	return status;
}

u64 hostile_stat(const char *name)
{
	char line[4096], key[64];
	unsigned long long value = 0;
	FILE *in = popen("ringctl -j -p -s ring show " FAKE_RING, "r");

	snprintf(key, sizeof(key), "\"%s\":", name);
	while (in && fgets(line, sizeof(line), in)) {
		char *at = strstr(line, key);

		if (at)
			value = strtoull(at + strlen(key), NULL, 10);
	}
	if (!in || pclose(in))
		hostile_failed("ring show");
	return value;
}

static bool set_up(void)
{
	char command[256];

	if (fake_listen(&fake))
		return false;
	snprintf(command, sizeof(command),
		 "ringctl ring add %s scope network node %u %s:%d %s %u slots %u",
		 FAKE_RING, FAKE_HOST, "listen 127.0.0.1", FAKE_HOST_PORT,
		 "insecure log 256K max 4096 slow block dead", FAKE_DEAD, FAKE_SLOTS);
	if (run(command))
		return false;
	snprintf(command, sizeof(command), "ringctl peer add %s node %u addr 127.0.0.1:%d",
		 FAKE_RING, FAKE_NODE, FAKE_PORT);
	if (run(command))
		return false;
	return member_join(FAKE_RING);
}

/*
 * Is all well?
 */

static bool to_member(void)
{
	char text[32];
	u8 buf[FAKE_FRAME];
	u32 len;

	snprintf(text, sizeof(text), "from the fake: %u", ++number);
	len = fake_data(&fake, buf, FAKE_NODE, ++fake.seq, text, strlen(text));
	if (fake_send(fake.to, buf, len))
		return false;
	/* it is held everywhere: it can be freed */
	len = fake_marks(buf, FAKE_NODE, fake.seq, 0, 0);
	return !fake_send(fake.to, buf, len) && member_hears(text);
}

static bool from_member(void)
{
	char text[32], got[32] = "";
	u8 buf[FAKE_FRAME];
	int len;

	snprintf(text, sizeof(text), "to the fake: %u", number);
	if (!member_send(text))
		return false;
	len = fake_receive(&fake, (u8 *)got, sizeof(got));
	if (len != (int)strlen(text) || memcmp(got, text, len))
		return false;
	/* taken */
	len = fake_marks(buf, FAKE_HOST, fake.have, 0, 0);
	return !fake_send(fake.to, buf, len) && member_hears(text);
}

/* Links that went are made again; a message in each direction */
static bool works(void)
{
	int err = fake_open(&fake);

	if (err)
		hostile_failed("the links do not come up again: %s", strerror(-err));
	else if (!to_member())
		hostile_failed("no message reaches the member");
	else if (!from_member())
		hostile_failed("no message comes from the member");
	if (failed)
		fake_close(&fake);
	return !failed;
}

/*
 * The run
 */

static int report(int no, const char *name)
{
	int bad = failed;

	printf("%sok %d %s\n", bad ? "not " : "", no, name);
	failed = false;
	return bad;
}

static void attack(const struct hostile_case *c)
{
	u64 errors, refused;

	errors = hostile_stat("link_errors");
	refused = hostile_stat("refused");
	c->run(&fake);
	if (c->counts == COUNT_ERROR && hostile_stat("link_errors") <= errors)
		hostile_failed("link_errors stays at %llu", errors);
	if (c->counts == COUNT_REFUSED && hostile_stat("refused") <= refused)
		hostile_failed("refused stays at %llu", refused);
	if (c->counts == COUNT_NOTHING && hostile_stat("link_errors") != errors)
		hostile_failed("link_errors rises from %llu", errors);
	works();
}

static void fuzz(unsigned int seconds, u32 seed)
{
	u64 start = now_ms(), rounds = 0;

	printf("# mutated frames: seed %u, %u s\n", seed, seconds);
	while (!failed && now_ms() < start + seconds * 1000ULL)
		if (hostile_fuzz(&fake, seed + rounds++) || rounds % 16 == 0)
			works();
	works();
	printf("# %llu rounds, the last with seed %llu\n", rounds, seed + rounds - 1);
}

int main(int argc, char **argv)
{
	unsigned int seconds = 20, bad = 0, i;
	u32 seed = time(NULL);
	u64 mem;
	int c;

	while ((c = getopt(argc, argv, "f:r:")) != -1) {
		if (c == 'f')
			seconds = strtoul(optarg, NULL, 0);
		else if (c == 'r')
			seed = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n1..%u\n", hostile_count + 2);
	if (!set_up()) {
		printf("Bail out! no ring\n");
		return EXIT_FAILURE;
	}
	works();
	mem = hostile_stat("mem_ring");
	for (i = 0; i < hostile_count; i++) {
		attack(&hostile_cases[i]);
		bad += report(i + 1, hostile_cases[i].name);
	}
	fuzz(seconds, seed);
	bad += report(i + 1, "mutated frames in either role");
	/* a body of the largest size may stay allocated */
	if (hostile_stat("mem_ring") > mem + 8192)
		hostile_failed("the ring grew to %llu bytes", hostile_stat("mem_ring"));
	member_leave();
	fake_close(&fake);
	run("ringctl ring del " FAKE_RING);
	bad += report(i + 2, "its memory stays what it was, and it can be deleted");
	printf("# %u passed, %u failed\n", i + 2 - bad, bad);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
