// SPDX-License-Identifier: GPL-2.0-only
/*
 * crowd: many connections to one address, none of which is a host of the ring.
 *
 *   crowd many ADDR PORT COUNT            all at once, silent, held for a second
 *   crowd loris ADDR PORT COUNT SECONDS   COUNT at any time, one byte a second each
 *   crowd noise ADDR PORT SEED SECONDS    one after the other, random bytes
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST	4096

static struct sockaddr_in addr = { .sin_family = AF_INET };
static int fds[MOST];
static unsigned long opened, closed, bytes;

/* What a greeting begins with: length, type, magic */
static const unsigned char greeting[16] = { 128, 0, 0, 0, 1, 0, 0, 0, 'd', 'r', 'n', 'g', 1, 0, 2 };

static int open_one(void)
{
	const struct linger hard = { .l_onoff = 1 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	opened++;
	return fd;
}

static void end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Gone, by the other end's will? */
static int gone(int fd)
{
	char buf[512];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	return !n || (n < 0 && errno != EAGAIN && errno != ENOTCONN);
}

static void many(int count)
{
	int i;

	for (i = 0; i < count; i++)
		fds[i] = open_one();
	sleep(1);
	for (i = 0; i < count; i++) {
		closed += fds[i] >= 0 && gone(fds[i]);
		end(&fds[i]);
	}
}

static void loris(int count, int seconds)
{
	static int said[MOST];
	time_t limit = time(NULL) + seconds;
	int i;

	memset(fds, -1, sizeof(fds));
	while (time(NULL) < limit) {
		for (i = 0; i < count; i++) {
			if (fds[i] >= 0 && gone(fds[i])) {
				closed++;
				end(&fds[i]);
			}
			if (fds[i] < 0) {
				fds[i] = open_one();
				said[i] = 0;
			} else if (send(fds[i], &greeting[said[i] % 16], 1, MSG_NOSIGNAL) == 1) {
				said[i]++;
				bytes++;
			}
		}
		sleep(1);
	}
}

static void noise(unsigned int seed, int seconds)
{
	time_t limit = time(NULL) + seconds;
	unsigned char buf[4096];
	unsigned int i, len;
	int fd;

	srandom(seed);
	while (time(NULL) < limit) {
		fd = open_one();
		usleep(2000);
		len = random() % sizeof(buf) + 1;
		for (i = 0; i < len; i++)
			buf[i] = random();
		/* half of them begin like a host */
		if (random() % 2)
			memcpy(buf, greeting, len < sizeof(greeting) ? len : sizeof(greeting));
		if (fd >= 0 && send(fd, buf, len, MSG_NOSIGNAL) > 0)
			bytes += len;
		usleep(random() % 20000);
		closed += fd >= 0 && gone(fd);
		end(&fd);
	}
}

int main(int argc, char **argv)
{
	const struct rlimit files = { MOST + 16, MOST + 16 };
	int count, seconds;

	if (argc < 5 || inet_pton(AF_INET, argv[2], &addr.sin_addr) != 1)
		return 2;
	addr.sin_port = htons(atoi(argv[3]));
	count = atoi(argv[4]);
	seconds = argc > 5 ? atoi(argv[5]) : 10;
	if (count < 0 || (count > MOST && strcmp(argv[1], "noise")))
		return 2;
	setrlimit(RLIMIT_NOFILE, &files);
	if (!strcmp(argv[1], "many"))
		many(count);
	else if (!strcmp(argv[1], "loris"))
		loris(count, seconds);
	else if (!strcmp(argv[1], "noise"))
		noise(count, seconds);
	else
		return 2;
	printf("crowd %s: opened %lu closed %lu bytes %lu\n", argv[1], opened, closed, bytes);
	return EXIT_SUCCESS;
}
