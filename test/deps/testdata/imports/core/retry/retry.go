// Package retry is in no rule, and does not hide what it brings.
package retry

import _ "fake/core/session"
