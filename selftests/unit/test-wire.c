#include "test.h"
const struct test wire_tests[] = { { NULL, NULL } };
