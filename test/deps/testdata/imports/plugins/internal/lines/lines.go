package lines

import _ "fake/plugins/tcp"
