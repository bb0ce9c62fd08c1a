#include "test.h"
const struct test core_tests[] = { { NULL, NULL } };
