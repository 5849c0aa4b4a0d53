package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/mqtest"
	"github.com/pushcore/pushcore/sdk"
	"github.com/pushcore/pushcore/test/brokers"
)

// letterBox is a plugin with an input and dead letters, configured and not open.
func letterBox(t *testing.T, b *brokers.KafkaBroker, partitions int) (k *Kafka, push, dead string) {
	push, dead = name(t, "push"), name(t, "dead")
	b.CreateTopic(push, partitions)
	b.CreateTopic(dead, partitions)
	k = New()
	mqtest.Configure(t, k, fmt.Sprintf(`{"brokers":[%q],"input":{"topics":[%q],"group":%q},"dead_letter":{"topic":%q}}`, b.Addr(), push, name(t, "group"), dead))
	return k, push, dead
}

// look opens a look, which ends with the test, and reads all letters.
func look(t *testing.T, k *Kafka, o sdk.LetterOptions) (sdk.Letters, []sdk.Letter) {
	t.Helper()
	l, err := k.Letters(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var all []sdk.Letter
	for {
		found, err := l.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return l, all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
}

// places are the letters' names.
func places(letters []sdk.Letter) []string {
	var all []string
	for _, l := range letters {
		all = append(all, l.Place[strings.Index(l.Place, "/")+1:])
	}
	return all
}

func TestTakenLettersAreMarkedWithHoles(t *testing.T) {
	b := brokers.SharedKafka(t)
	k, _, dead := letterBox(t, b, 2)
	write(t, b.Addr(), dead, 0, numbered("a", 6)...)
	write(t, b.Addr(), dead, 1, numbered("b", 2)...)
	l, all := look(t, k, sdk.LetterOptions{})
	if got := fmt.Sprint(places(all)); got != "[0/0 0/1 0/2 0/3 0/4 0/5 1/0 1/1]" {
		t.Fatal(got)
	}
	if err := l.Take(t.Context(), []sdk.Letter{all[0], all[2], all[4], all[7]}); err != nil {
		t.Fatal(err)
	}
	l, left := look(t, k, sdk.LetterOptions{})
	if got := fmt.Sprint(places(left)); got != "[0/1 0/3 0/5 1/0]" {
		t.Errorf("left are %s", got)
	}
	if err := l.Take(t.Context(), left); err != nil {
		t.Fatal(err)
	}
	write(t, b.Addr(), dead, 0, numbered("c", 1)...)
	if _, left = look(t, k, sdk.LetterOptions{}); fmt.Sprint(places(left)) != "[0/6]" {
		t.Errorf("left are %v, one came after all were taken", places(left))
	}
	_, all = look(t, k, sdk.LetterOptions{Taken: true})
	if len(all) != 9 || !all[0].Taken || all[6].Taken {
		t.Errorf("with those that were taken there are %+v", all)
	}
	if got := b.CommittedOffsets(name(t, "group")+".dead-replay", dead); fmt.Sprint(got) != "map[0:6 1:2]" {
		t.Errorf("committed are %v", got)
	}
}

func TestLetterStaysUntilItIsTakenAlthoughItIsWritten(t *testing.T) {
	b := brokers.SharedKafka(t)
	k, push, dead := letterBox(t, b, 3)
	write(t, b.Addr(), dead, 0, numbered("letter", 2)...)
	_, all := look(t, k, sdk.LetterOptions{})
	in, err := k.Input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for i, err := range in.Write(t.Context(), []sdk.InputRecord{
		{Source: push + "/2", Key: []byte("k"), Body: all[0].Record.Body},
		{Source: "no such topic/9", Key: []byte("k"), Body: all[1].Record.Body},
	}) {
		if err != nil {
			t.Errorf("record %d: %v", i, err)
		}
	}
	if got := readAll(t, b.Addr(), push, 2, 1); string(got[0].Value) != "letter0" || string(got[0].Key) != "k" {
		t.Errorf("the partition where it stood got %+v", got)
	}
	if _, again := look(t, k, sdk.LetterOptions{}); len(again) != 2 || again[0].Place != all[0].Place {
		t.Errorf("what was not taken is %v", places(again))
	}
}

func TestOldLettersWithoutAnyMarkAreUnsure(t *testing.T) {
	b := brokers.SharedKafka(t)
	k, _, dead := letterBox(t, b, 1)
	old := numbered("old", 1)
	old[0].Time = time.Now().Add(-48 * time.Hour)
	write(t, b.Addr(), dead, 0, append(old, numbered("new", 1)...)...)
	l, all := look(t, k, sdk.LetterOptions{})
	if len(all) != 2 || !all[0].Unsure || !strings.Contains(all[0].Warning, "offsets.retention.minutes") || all[1].Unsure {
		t.Errorf("the letters are %+v", all)
	}
	if err := l.Take(t.Context(), all[1:]); err != nil {
		t.Fatal(err)
	}
	if _, all = look(t, k, sdk.LetterOptions{}); len(all) != 1 || all[0].Unsure {
		t.Errorf("while there is a mark, the letters are %+v", all)
	}
}

func TestMarksOfATopicThatWasMadeAnewAreIgnored(t *testing.T) {
	b := brokers.SharedKafka(t)
	k, _, dead := letterBox(t, b, 1)
	write(t, b.Addr(), dead, 0, numbered("letter", 3)...)
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	client := &kafka.Client{Addr: kafka.TCP(b.Addr()), Transport: transport}
	commit := func(offset int64, metadata string) {
		t.Helper()
		_, err := client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{GroupID: name(t, "group") + ".dead-replay", GenerationID: -1,
			Topics: map[string][]kafka.OffsetCommit{dead: {{Partition: 0, Offset: offset, Metadata: metadata}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	commit(100, "")
	if _, all := look(t, k, sdk.LetterOptions{}); len(all) != 3 {
		t.Errorf("the letters are %v", places(all))
	}
	commit(2, "somebody else's")
	if _, all := look(t, k, sdk.LetterOptions{}); fmt.Sprint(places(all)) != "[0/2]" {
		t.Errorf("the letters are %v", places(all))
	}
	commit(1, marksPrefix+"!")
	if _, err := k.Letters(t.Context(), sdk.LetterOptions{}); err == nil || !strings.Contains(err.Error(), "dead-replay") {
		t.Errorf("damaged marks: %v", err)
	}
}

func TestRecordThatIsTooLargeForTheInputStopsNoOther(t *testing.T) {
	b := brokers.SharedKafka(t)
	push := name(t, "push")
	b.CreateTopic(push, 1, kafka.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: "2000"})
	k := New()
	mqtest.Configure(t, k, input(b.Addr(), name(t, "group"), push))
	in, err := k.Input(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	records := make([]sdk.InputRecord, 20)
	for i := range records {
		records[i].Body = fmt.Appendf(nil, "%d", i)
	}
	records[7].Body = slices.Repeat([]byte("x"), 3000)
	for i, err := range in.Write(t.Context(), records) {
		if (err != nil) != (i == 7) {
			t.Errorf("record %d: %v", i, err)
		}
	}
	if got := endOf(t, b.Addr(), push, 0); got != 19 {
		t.Errorf("%d records were written", got)
	}
}

func TestMissingTopicOfLettersIsSaid(t *testing.T) {
	b := brokers.SharedKafka(t)
	k := New()
	mqtest.Configure(t, k, fmt.Sprintf(`{"brokers":[%q],"dead_letter":{"topic":"nowhere"}}`, b.Addr()))
	if _, err := k.Letters(t.Context(), sdk.LetterOptions{}); err == nil || !strings.Contains(err.Error(), "nowhere does not exist") {
		t.Errorf("got %v", err)
	}
}
