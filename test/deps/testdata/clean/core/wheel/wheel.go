// Package wheel may use what state may use.
package wheel

import (
	crypto "crypto/rand"
	"math/rand/v2"
	"net/http"
	"time"
)

func next(now time.Time, seed uint64) time.Time {
	return now.Add(rand.New(rand.NewPCG(seed, 0)).N(time.Second))
}

var entropy, busy = crypto.Reader, http.StatusServiceUnavailable

func shadow(time struct{ Now int }) int { return time.Now }
