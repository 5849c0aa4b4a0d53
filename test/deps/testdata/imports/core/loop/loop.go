package loop

import _ "fake/core/dispatch"
