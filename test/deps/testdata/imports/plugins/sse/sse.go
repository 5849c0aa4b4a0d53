// Package sse is a plugin that no rule names.
package sse

import _ "fake/plugins/tcp"
