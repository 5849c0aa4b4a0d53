package config

import (
	"regexp"

	"github.com/pushcore/pushcore/core/config/scalar"
)

// userinfo finds the password in an address such as amqp://user:password@host.
var userinfo = regexp.MustCompile(`(://[^/?#:@\s]*:)[^/?#\s]*@`)

// maskURL hides the password in text, if it is an address with one.
func maskURL(text string) string {
	return userinfo.ReplaceAllString(text, "${1}"+scalar.Mask+"@")
}

// secretKey finds options of plugins that hold secrets by their names.
var secretKey = regexp.MustCompile(`(?i)(^|[_-])(password|passwd|pass|secret|token|credential|credentials|api[_-]?key|access[_-]?key|private[_-]?key)$`)
