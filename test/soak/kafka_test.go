package soak

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/test/brokers"
)

const kafkaConfig = `
http: { listen: 127.0.0.1:0 }
store: { kind: memory, memory_wait: 10s }
sessions: { resume_window: 20s }
plugins:
  tcp: { config: { listen: 127.0.0.1:0 } }
  ws:  { config: { listen: 127.0.0.1:0 } }
  orders:
    use: kafka
    config:
      brokers: [%s]
      input: { topics: [push], group: pushcore, offset_reset: earliest }
      dead_letter: { topic: push.dead }
`

// sizes of the run; -short makes it small.
type sizes struct{ users, each int }

func runSizes() sizes {
	if testing.Short() {
		return sizes{100, 20}
	}
	return sizes{1000, 100}
}

// TestKafkaNothingLostUnderDropsRebalanceAndKill pushes records over eight
// partitions while clients drop and resume, a bare second member joins and leaves
// the group, and the node is killed and started again.
func TestKafkaNothingLostUnderDropsRebalanceAndKill(t *testing.T) {
	broker := brokers.Kafka(t)
	broker.CreateTopic("push", 8)
	broker.CreateTopic("push.dead", 1)
	size := runSizes()
	n := startNode(t, fmt.Sprintf(kafkaConfig, broker.Addr()))
	tcp, ws := newProxy(t, n.address("tcp")), newProxy(t, n.address("ws"))
	f := newFleet(t, size.users, size.each, "tcp://"+tcp.listener.Addr().String(), "ws://"+ws.listener.Addr().String()+"/connect")
	waitFor(t, "all devices", 60*time.Second, func() bool { return f.connected() == size.users })

	total := int64(size.users * size.each)
	cuts := cutAtRandom(t, tcp, ws)
	books := produce(t, broker.Addr(), size, f)
	wait := func(what string, share int64) {
		waitFor(t, what, 3*time.Minute, func() bool { return f.handled.Load() >= total*share/100 })
	}
	wait("a quarter", 25)
	leave := joinGroup(t, broker.Addr())
	wait("work to go on beside a second member", 35)
	leave()
	wait("60 %", 60)

	n.kill()
	committed := broker.CommittedOffsets("pushcore", "push")
	books.checkCommitted(t, f, committed)
	n.start()
	tcp.point(n.address("tcp"))
	ws.point(n.address("ws"))
	wait("90 %", 90)
	connectionsCut := cuts()
	wait("everything", 100)
	books.wait.Wait()
	waitFor(t, "the last commits", time.Minute, func() bool {
		var sum int64
		for _, offset := range broker.CommittedOffsets("pushcore", "push") {
			sum += offset
		}
		return sum == total+books.ghosts
	})
	f.check()
	t.Logf("%d messages to %d users: %d connections cut, %d resumed, %d repeats dropped by id", total, size.users, connectionsCut, f.resumed(), f.repeats())
}

// produced knows which record stands where.
type produced struct {
	wait sync.WaitGroup // the producer

	mu     sync.Mutex
	at     map[int]map[int64][2]int // partition → offset → user, number
	ghosts int64
}

// produceAhead is how far the producer may be ahead of the devices, so that what
// the test breaks is broken in the middle of work.
const produceAhead = 20_000

// produce writes every user's records, in order, keyed by user, and one for a
// user who never comes, from a goroutine of its own.
func produce(t *testing.T, addr string, size sizes, f *fleet) *produced {
	b := &produced{at: map[int]map[int64][2]int{}, ghosts: 1}
	b.wait.Go(func() { b.produce(t, addr, size, f) })
	t.Cleanup(b.wait.Wait)
	return b
}

func (b *produced) produce(t *testing.T, addr string, size sizes, f *fleet) {
	w := &kafka.Writer{Addr: kafka.TCP(addr), Topic: "push", Balancer: &kafka.Hash{}, BatchSize: 2000, BatchTimeout: 5 * time.Millisecond,
		RequiredAcks: kafka.RequireAll, Completion: b.completed}
	defer w.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for number := range size.each {
		for int64(number*size.users)-f.handled.Load() > min(produceAhead, int64(size.users*size.each/10)) && ctx.Err() == nil {
			<-ticker.C
		}
		var batch []kafka.Message
		for user := range size.users {
			batch = append(batch, record(userName(user), number, [2]int{user, number}))
		}
		if number == size.each/3 {
			batch = append(batch, record("ghost", 0, [2]int{-1, 0}))
		}
		if err := w.WriteMessages(ctx, batch...); err != nil {
			t.Error(err)
			return
		}
	}
}

func record(user string, number int, place [2]int) kafka.Message {
	return kafka.Message{
		Key: []byte(user), Value: []byte(payload(user, number)), WriterData: place,
		Headers: []kafka.Header{
			{Key: "push-to", Value: []byte("user:" + user)}, {Key: "push-id", Value: []byte(messageID(user, number))},
		},
	}
}

func (b *produced) completed(messages []kafka.Message, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range messages {
		if b.at[m.Partition] == nil {
			b.at[m.Partition] = map[int64][2]int{}
		}
		if place, ok := m.WriterData.([2]int); ok && err == nil {
			b.at[m.Partition][m.Offset] = place
		}
	}
}

// checkCommitted holds the commits against what devices have handled: with a store
// in memory a record is safe only when its device has acked it.
func (b *produced) checkCommitted(t *testing.T, f *fleet, committed map[int]int64) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	checked := 0
	for partition, end := range committed {
		for offset, place := range b.at[partition] {
			if offset >= end || place[0] < 0 {
				continue
			}
			checked++
			if !f.has(place[0], place[1]) {
				f.faults.add("committed ahead of safety: partition %d offset %d, user %d number %d", partition, offset, place[0], place[1])
			}
		}
	}
	t.Logf("%d records were committed when the node was killed", checked)
}

// joinGroup joins the consumer group as a bare member that takes partitions and
// commits nothing, and returns what makes it leave.
func joinGroup(t *testing.T, addr string) (leave func()) {
	t.Helper()
	g, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: "pushcore", Brokers: []string{addr}, Topics: []string{"push"}, SessionTimeout: 6 * time.Second,
		HeartbeatInterval: time.Second, RebalanceTimeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	generation, err := g.Next(ctx)
	if err != nil {
		t.Fatalf("join the group: %v", err)
	}
	t.Logf("second member: generation %d, %d partitions", generation.ID, len(generation.Assignments["push"]))
	var once sync.Once
	leave = func() { once.Do(func() { _ = g.Close() }) }
	t.Cleanup(leave)
	return leave
}
