#include "test.h"
const struct test rule_tests[] = { { NULL, NULL } };
