package soak

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pushcore/pushcore/test/brokers"
)

// TestKafkaNothingLostOverAStopInGoodOrder stops the node with SIGTERM in the middle
// of work and starts it again on the same data, the second time before all devices
// are back. All messages come, in order; with the store in memory the commits are
// not ahead of what devices have handled.
func TestKafkaNothingLostOverAStopInGoodOrder(t *testing.T) {
	// After two stops some devices are more than memory_wait's ten seconds from their next attempt.
	patient := strings.Replace(kafkaConfig, "memory_wait: 10s", "memory_wait: 60s", 1)
	t.Run("memory", func(t *testing.T) { testStops(t, patient, true) })
	t.Run("disk", func(t *testing.T) {
		testStops(t, strings.Replace(kafkaConfig, "kind: memory, memory_wait: 10s", "kind: disk", 1), false)
	})
}

func testStops(t *testing.T, config string, memory bool) {
	broker := brokers.Kafka(t)
	broker.CreateTopic("push", 8)
	broker.CreateTopic("push.dead", 1)
	size := runSizes()
	n := startNode(t, fmt.Sprintf(config, broker.Addr()))
	tcp, ws := newProxy(t, n.address("tcp")), newProxy(t, n.address("ws"))
	f := newFleet(t, size.users, size.each, "tcp://"+tcp.listener.Addr().String(), "ws://"+ws.listener.Addr().String()+"/connect")
	waitFor(t, "all devices", 60*time.Second, func() bool { return f.connected() == size.users })
	total := int64(size.users * size.each)
	books := produce(t, broker.Addr(), size, f)
	wait := func(what string, share int64) {
		waitFor(t, what, 3*time.Minute, func() bool { return f.handled.Load() >= total*share/100 })
	}
	for _, share := range []int64{20, 50} {
		wait(fmt.Sprintf("%d %%", share), share)
		n.stop()
		committed := broker.CommittedOffsets("pushcore", "push")
		var sum int64
		for _, offset := range committed {
			sum += offset
		}
		t.Logf("stopped: %d handled, %d committed", f.handled.Load(), sum)
		if memory {
			books.checkCommitted(t, f, committed)
		}
		n.start()
		tcp.point(n.address("tcp"))
		ws.point(n.address("ws"))
	}
	wait("everything", 100)
	books.wait.Wait()
	f.check()
	t.Logf("%d messages to %d users over two stops: %d repeats dropped by id", total, size.users, f.repeats())
}

// stop ends the process as a supervisor does.
func (n *node) stop() {
	n.t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		n.t.Fatal(err)
	}
	select {
	case <-n.ended:
	case <-time.After(90 * time.Second):
		n.t.Fatalf("the node does not stop:\n%s", n.log.tail())
	}
	if code := n.cmd.ProcessState.ExitCode(); code != 0 {
		n.t.Errorf("the node has ended with code %d:\n%s", code, n.log.tail())
	}
}

// TestRabbitMQNothingLostOverAStopInGoodOrder does so with a queue, on disk: what
// devices had acked or the store has taken is acknowledged and does not come again.
func TestRabbitMQNothingLostOverAStopInGoodOrder(t *testing.T) {
	broker := brokers.RabbitMQ(t)
	declareQueue(t, broker)
	size := runSizes()
	size.each /= 5 // Persistent messages, each confirmed by the disk.
	n := startNode(t, fmt.Sprintf(strings.Replace(rabbitConfig, "kind: memory, memory_wait: 10s", "kind: disk", 1), broker.URL()))
	tcp, ws := newProxy(t, n.address("tcp")), newProxy(t, n.address("ws"))
	f := newFleet(t, size.users, size.each, "tcp://"+tcp.listener.Addr().String(), "ws://"+ws.listener.Addr().String()+"/connect")
	waitFor(t, "all devices", 60*time.Second, func() bool { return f.connected() == size.users })
	total := int64(size.users * size.each)
	publishing := publishAll(t, broker.URL(), size)
	wait := func(what string, share int64) {
		waitFor(t, what, 3*time.Minute, func() bool { return f.handled.Load() >= total*share/100 })
	}
	for _, share := range []int64{20, 50} {
		wait(fmt.Sprintf("%d %%", share), share)
		n.stop()
		n.start()
		tcp.point(n.address("tcp"))
		ws.point(n.address("ws"))
	}
	wait("everything", 100)
	publishing.Wait()
	waitFor(t, "the queue to be empty", time.Minute, func() bool { return queueLength(broker.URL()) == 0 })
	f.check()
	t.Logf("%d messages to %d users over two stops: %d repeats dropped by id", total, size.users, f.repeats())
}
