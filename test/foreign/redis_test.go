package foreign

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/sdk/pluginrpc"
	"github.com/pushcore/pushcore/sdk/pluginrpc/pluginpb"
)

// startRedisPlugin starts the plugin and opens it; options stand beside the url.
func startRedisPlugin(t testing.TB, r *redisServer, options string) (*process, *link) {
	t.Helper()
	python, dir := redisStreams(t)
	p := launch(t, dir, python, filepath.Join(dir, "redis_streams.py"))
	p.open(1, fmt.Sprintf(`{"url":%q,%s}`, r.url(), options))
	return p, p.links[0]
}

const pushStream = `"input":{"streams":["push"]},"uplink":{"stream":"uplink"}`

func (k *link) assigned() sdk.Source {
	k.t.Helper()
	s, err := k.next(pluginrpc.KindAssigned).Assigned()
	if err != nil {
		k.t.Fatal(err)
	}
	return s
}

// batch takes the next batch, and says so if taken.
func (k *link) batch(taken bool) (uint64, sdk.Records) {
	k.t.Helper()
	token, b, err := k.next(pluginrpc.KindBatch).Records()
	if err != nil {
		k.t.Fatal(err)
	}
	if taken {
		k.write(pluginrpc.AppendTaken(nil, token, false, ""))
	}
	return token, b
}

// records takes batches until there are n records.
func (k *link) records(n int) (all []sdk.Record, epoch uint64) {
	k.t.Helper()
	for len(all) < n {
		_, b := k.batch(true)
		all, epoch = append(all, b.Records...), b.Epoch
	}
	if len(all) != n {
		k.t.Fatalf("%d records, want %d", len(all), n)
	}
	return all, epoch
}

func (k *link) settle(epoch uint64, o sdk.Outcome, positions ...uint64) {
	k.write(pluginrpc.AppendSettlement(nil, &sdk.Settlement{Source: "push", Epoch: epoch, Outcome: o, Positions: positions}))
}

func (k *link) published() sdk.PublishResult {
	k.t.Helper()
	p, err := k.next(pluginrpc.KindPublished).Published()
	if err != nil {
		k.t.Fatal(err)
	}
	return p
}

func (k *link) status() (bool, string) {
	k.t.Helper()
	up, text, err := k.next(pluginrpc.KindStatus).Status()
	if err != nil {
		k.t.Fatal(err)
	}
	return up, text
}

func TestRedisEntriesBecomeRecordsAndAreAckedWhenSettled(t *testing.T) {
	r := startRedis(t)
	id := r.add("push", "push-to", "user:alice", "push-to", "group:a", "key", "alice", "content-type", "text/plain", "body", "\xff\x00hello")
	r.add("push", "body", "second")
	p, k := startRedisPlugin(t, r, pushStream)
	if up, _ := k.status(); !up {
		t.Error("Redis is not reached")
	}
	if s := k.assigned(); s.Name != "push" || s.StablePositions {
		t.Errorf("source %+v", s)
	}
	records, epoch := k.records(2)
	first := records[0]
	if got := fmt.Sprint(first.Timestamp.UnixMilli()); !strings.HasPrefix(id, got+"-") {
		t.Errorf("time %s of entry %s", got, id)
	}
	want := sdk.Record{
		Position: 1, Timestamp: first.Timestamp, MessageID: "push/" + id, Key: []byte("alice"), Body: []byte("\xff\x00hello"),
		Headers: []sdk.Header{{Name: "push-to", Value: []byte("user:alice")}, {Name: "push-to", Value: []byte("group:a")}, {Name: "content-type", Value: []byte("text/plain")}},
	}
	if !reflect.DeepEqual(first, want) {
		t.Errorf("record %+v, want %+v", first, want)
	}
	if n := r.pending("push"); n != 2 {
		t.Errorf("%d entries wait before anything is settled", n)
	}
	k.settle(epoch, sdk.Done, records[1].Position)
	until(t, "one entry to be acked", func() bool { return r.pending("push") == 1 })
	k.settle(epoch, sdk.Dead, records[0].Position)
	p.close() // Close keeps what was settled before.
	if n := r.pending("push"); n != 0 {
		t.Errorf("%d entries wait when all are settled", n)
	}
}

func TestRedisRequeuedEntryComesAgain(t *testing.T) {
	r := startRedis(t)
	r.add("push", "body", "a")
	p, k := startRedisPlugin(t, r, pushStream)
	first, epoch := k.records(1)
	k.settle(epoch, sdk.Requeue, first[0].Position)
	again, _ := k.records(1)
	if again[0].MessageID != first[0].MessageID || !again[0].Redelivered || again[0].Position <= first[0].Position {
		t.Errorf("first %+v, then %+v", first[0], again[0])
	}
	k.settle(epoch, sdk.Done, again[0].Position)
	until(t, "the entry to be acked", func() bool { return r.pending("push") == 0 })
	p.close()
}

func TestRedisKilledPluginGetsItsEntriesAgain(t *testing.T) {
	r := startRedis(t)
	for i := range 5 {
		r.add("push", "body", i)
	}
	p, k := startRedisPlugin(t, r, `"input":{"streams":["push"],"consumer":"c"}`)
	before, epoch := k.records(5)
	k.settle(epoch, sdk.Done, 2)
	until(t, "one entry to be acked", func() bool { return r.pending("push") == 4 })
	p.kill()
	r.add("push", "body", 5)
	p, k = startRedisPlugin(t, r, `"input":{"streams":["push"],"consumer":"c"}`)
	after, _ := k.records(5)
	for i, want := range []int{0, 2, 3, 4} {
		if after[i].MessageID != before[want].MessageID || !after[i].Redelivered {
			t.Errorf("record %d is %+v, want %s again", i, after[i], before[want].MessageID)
		}
	}
	if string(after[4].Body) != "5" || after[4].Redelivered {
		t.Errorf("last record %+v", after[4])
	}
	p.close()
}

func TestRedisEntriesOfADeadConsumerAreTakenOver(t *testing.T) {
	r := startRedis(t)
	id := r.add("push", "body", "a")
	r.do("XGROUP", "CREATE", "push", "pushcore", "0")
	r.do("XREADGROUP", "GROUP", "pushcore", "dead", "STREAMS", "push", ">")
	r.do("XCLAIM", "push", "pushcore", "dead", "0", id, "IDLE", "60000") // It has been silent for a minute.
	p, k := startRedisPlugin(t, r, `"input":{"streams":["push"],"claim_after":"2s"}`)
	records, _ := k.records(1)
	if records[0].MessageID != "push/"+id || !records[0].Redelivered {
		t.Errorf("record %+v", records[0])
	}
	// It stays with the plugin, however long it is open: nobody else's claim finds it silent.
	claim := []any{"XAUTOCLAIM", "push", "pushcore", "thief", "2000", "0"}
	for range 50 {
		if got := r.do(claim...).([]any)[1]; len(got.([]any)) != 0 {
			t.Fatalf("an open entry was taken over: %v", got)
		}
		r.do("BLPOP", "nothing", "0.05")
	}
	p.close()
}

func TestRedisLostConnectionBeginsANewEpoch(t *testing.T) {
	r := startRedis(t)
	r.add("push", "body", "a")
	p, k := startRedisPlugin(t, r, pushStream)
	first := k.assigned()
	before, _ := k.records(1)
	k.status()
	until(t, "a read that blocks", func() bool {
		for _, client := range strings.Split(r.do("CLIENT", "LIST").(string), "\n") {
			if strings.Contains(client, "cmd=xreadgroup") && strings.Contains(client, "flags=b") {
				return true
			}
		}
		return false
	})
	r.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	if name, epoch, err := k.next(pluginrpc.KindRevoked).Revoked(); err != nil || name != "push" || epoch != first.Epoch {
		t.Errorf("revoked %s %d, %v", name, epoch, err)
	}
	if up, text := k.status(); up || text == "" {
		t.Errorf("status %v %q", up, text)
	}
	second := k.assigned()
	if second.Epoch <= first.Epoch {
		t.Errorf("epoch %d after %d", second.Epoch, first.Epoch)
	}
	after, _ := k.records(1)
	if after[0].MessageID != before[0].MessageID || !after[0].Redelivered {
		t.Errorf("record %+v", after[0])
	}
	k.settle(first.Epoch, sdk.Done, 1) // Late: it has no effect.
	k.write(pluginrpc.AppendOutgoing(nil, &sdk.Outgoing{ID: 1, Output: sdk.OutputUplink}))
	k.published()
	if n := r.pending("push"); n != 1 {
		t.Errorf("%d entries wait, want the one of the new epoch", n)
	}
	k.settle(second.Epoch, sdk.Done, 1)
	until(t, "the entry to be acked", func() bool { return r.pending("push") == 0 })
	p.close()
}

func TestRedisPublishes(t *testing.T) {
	r := startRedis(t)
	p, k := startRedisPlugin(t, r, pushStream)
	k.status()
	k.write(pluginrpc.AppendOutgoing(nil, &sdk.Outgoing{
		ID: 7, Output: sdk.OutputUplink, Key: []byte("alice"), Headers: []sdk.Header{{Name: "push-from", Value: []byte("device:alice/d")}}, Body: []byte("hi"),
	}))
	if got := k.published(); got != (sdk.PublishResult{ID: 7}) {
		t.Errorf("result %+v", got)
	}
	entries := r.do("XRANGE", "uplink", "-", "+").([]any)
	if want := []any{"push-from", "device:alice/d", "key", "alice", "body", "hi"}; len(entries) != 1 || !reflect.DeepEqual(entries[0].([]any)[1], want) {
		t.Errorf("entries %v", entries)
	}
	r.stop()
	k.write(pluginrpc.AppendOutgoing(nil, &sdk.Outgoing{ID: 8, Output: sdk.OutputUplink}))
	if got := k.published(); got.ID != 8 || got.Error == "" || got.Final {
		t.Errorf("result %+v while Redis is away", got)
	}
	r.start()
	for id := uint64(9); ; id++ {
		k.write(pluginrpc.AppendOutgoing(nil, &sdk.Outgoing{ID: id, Output: sdk.OutputUplink}))
		if got := k.published(); got.ID != id {
			t.Fatalf("result %+v, want %d", got, id)
		} else if got.Error == "" {
			break
		}
		r.do("BLPOP", "nothing", "0.05")
	}
	p.close()
}

func TestRedisPausedSourceStopsAndGoesOn(t *testing.T) {
	r := startRedis(t)
	p, k := startRedisPlugin(t, r, pushStream)
	k.assigned()
	k.write(pluginrpc.AppendPause(nil, "push", true))
	k.write(pluginrpc.AppendOutgoing(nil, &sdk.Outgoing{ID: 1, Output: sdk.OutputUplink}))
	k.published() // So the source is paused.
	for i := range 4 {
		r.add("push", "body", i)
	}
	r.do("BLPOP", "nothing", "1.2") // Longer than a read blocks.
	for len(k.received) > 0 {
		if record := <-k.received; record.Kind == pluginrpc.KindBatch {
			t.Error("records came while the source was paused")
		}
	}
	k.write(pluginrpc.AppendPause(nil, "push", false))
	k.records(4)
	p.close()
}

func TestRedisWaitsForTaken(t *testing.T) {
	r := startRedis(t)
	for i := range 6 {
		r.add("push", "body", i)
	}
	p, k := startRedisPlugin(t, r, `"input":{"streams":["push"],"count":2,"max_open":{"records":5}},"uplink":{"stream":"uplink"}`)
	token, first := k.batch(false)
	k.write(pluginrpc.AppendOutgoing(nil, &sdk.Outgoing{ID: 1, Output: sdk.OutputUplink}))
	k.published() // Publishing goes on.
	for _, other := range k.waiting {
		if other.Kind == pluginrpc.KindBatch {
			t.Error("a second batch came before the first was taken")
		}
	}
	k.write(pluginrpc.AppendTaken(nil, token, true, "no room")) // Refused: all of it comes again.
	k.next(pluginrpc.KindRevoked)
	records, _ := k.records(6)
	if records[0].MessageID != first.Records[0].MessageID {
		t.Errorf("first record %+v, want that of the refused batch", records[0])
	}
	for i, record := range records {
		if string(record.Body) != fmt.Sprint(i) {
			t.Errorf("record %d is %q", i, record.Body)
		}
	}
	p.close()
}

func TestRedisConfigureNamesInputAndOutputs(t *testing.T) {
	python, dir := redisStreams(t)
	p := launch(t, dir, python, filepath.Join(dir, "redis_streams.py"))
	reply, faults := p.configure(`{"input":{"streams":["push"],"format":"json","max_open":{"records":5}},"receipt":{"stream":"r"}}`)
	if len(faults) > 0 || string(reply.GetInput().GetOptions()) != `{"format": "json", "max_open": {"records": 5}}` || !reflect.DeepEqual(reply.GetOutputs(), []string{"receipt"}) {
		t.Errorf("reply %v, faults %v", reply, faults)
	}
	if reply, _ := p.configure(`{"uplink":{"stream":"u"}}`); reply.GetInput() != nil {
		t.Errorf("an input that is none: %v", reply)
	}
}

func TestRedisOpenFailsForWhatDoesNotMend(t *testing.T) {
	r := startRedis(t)
	for _, tt := range []struct{ name, options, want string }{
		{"no stream", `{"url":%q,"input":{"streams":["text"]}}`, "WRONGTYPE"},
		{"far behind", `{"url":%q,"input":{"streams":["long"]}}`, "offset_reset"},
	} {
		r.do("SET", "text", "x")
		r.do("EVAL", "for i=1,10001 do redis.call('XADD','long','*','body','x') end", "0")
		python, dir := redisStreams(t)
		p := launch(t, dir, python, filepath.Join(dir, "redis_streams.py"))
		p.configure(fmt.Sprintf(tt.options, r.url()))
		p.attach(1)
		if reply, err := p.control.Open(p.ctx(), &pluginpb.OpenRequest{}); err != nil || !strings.Contains(reply.GetError(), tt.want) {
			t.Errorf("%s: %v, %v", tt.name, reply, err)
		}
	}
}

func TestRedisThatIsAwayIsWaitedFor(t *testing.T) {
	r := startRedis(t)
	r.add("push", "body", "a")
	r.stop()
	p, k := startRedisPlugin(t, r, pushStream)
	if up, text := k.status(); up || text == "" {
		t.Errorf("status %v %q", up, text)
	}
	r.start()
	k.records(1)
	p.close()
}
