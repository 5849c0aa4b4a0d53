package memory

import (
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/pushcore/pushcore/core/store"
	"github.com/pushcore/pushcore/core/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEngineWithItsGoroutineConforms(t *testing.T) {
	storetest.Test(t, func(env storetest.Env) store.Store {
		return Open(Config{Owner: env.Owner, Sink: env.Sink, Now: env.Now})
	})
}

func TestEngineThatSaysItIsDurableConforms(t *testing.T) {
	storetest.Test(t, func(env storetest.Env) store.Store {
		return Open(Config{Owner: env.Owner, Sink: env.Sink, Now: env.Now, Durable: true})
	})
}

// stepping steps a manual engine at once. Step is for one goroutine.
type stepping struct {
	*Store
	mu *sync.Mutex // guards stepping
}

func (s stepping) Submit(ops []store.Op) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Store.Submit(ops)
	for s.Queued() > 0 {
		s.Step(2)
	}
}

func TestEngineThatIsSteppedConforms(t *testing.T) {
	storetest.Test(t, func(env storetest.Env) store.Store {
		return stepping{Open(Config{Owner: env.Owner, Sink: env.Sink, Now: env.Now, Manual: true}), new(sync.Mutex)}
	})
}
