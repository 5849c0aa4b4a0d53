//go:build !linux

package loop

import "errors"

// pin is not offered by other systems.
func pin(int) error { return errors.ErrUnsupported }
