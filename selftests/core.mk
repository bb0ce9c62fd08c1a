# SPDX-License-Identifier: GPL-2.0-only
#
# A program NAME of the sources in a directory, or of SRCS, of links.c and of the protocol
# core. CORE= takes the core from elsewhere, which is how mutants.sh plants its faults.

CORE ?= ../../kmod/core
OUT ?= .
ALL_CFLAGS := -std=gnu11 -Wall -Wextra -I$(CORE) -I../../include/uapi $(CFLAGS)

CORE_OBJS := $(patsubst $(CORE)/%.c,$(OUT)/core-%.o,$(sort $(wildcard $(CORE)/*.c)))
SRCS ?= $(sort $(wildcard *.c))
OBJS := $(patsubst %.c,$(OUT)/%.o,$(SRCS)) $(OUT)/links.o
HEADERS := $(wildcard $(CORE)/*.h *.h ../links.h ../random.h ../../include/uapi/linux/*.h)

all: $(OUT)/$(NAME)

$(OUT)/$(NAME): $(CORE_OBJS) $(OBJS)
	$(CC) $(ALL_CFLAGS) -o $@ $^

$(OUT)/core-%.o: $(CORE)/%.c $(HEADERS)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(OUT)/links.o: ../links.c $(HEADERS)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(OUT)/%.o: %.c $(HEADERS)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

clean:
	rm -f $(OUT)/*.o $(OUT)/$(NAME) $(OTHER)

.PHONY: all check clean
