/* As C++11. */
#include "every_call.h"
