#include "test.h"
const struct test retain_tests[] = { { NULL, NULL } };
