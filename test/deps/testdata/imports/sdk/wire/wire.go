package wire

import _ "fake/sdk"
