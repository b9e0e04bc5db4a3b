/* As C99. */
#include "every_call.h"
