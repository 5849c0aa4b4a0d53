package shard

import (
	"math/rand/v2"
	"net"
	"sync"
	clock "time"
)

type Shard struct {
	mu   sync.Mutex
	wake chan struct{}
	conn net.Conn
}

func (s *Shard) run() {
	go s.run()
	s.deliver(clock.Now(), rand.IntN(9))
}
