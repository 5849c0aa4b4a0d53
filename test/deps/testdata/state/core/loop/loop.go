// Package loop is motion, and free to do all this.
package loop

import "time"

func run(wake chan struct{}) {
	go run(wake)
	time.Sleep(1)
}
