package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/pushcore/pushcore/plugins/mq/internal/pace"
	"github.com/pushcore/pushcore/sdk"
)

// letters is one look at the topic of dead letters: each partition from its first
// record up to where it ended when the look began. Kafka removes nothing, so what
// is taken is marked: by offsets of a consumer group of its own, which has no
// members (marks.go).
type letters struct {
	cluster    *cluster
	topic      string
	group      string
	taken      bool // return those, too
	partitions []*letterPartition
	at         int // the partition that is read
	handed     map[uint64]handedLetter
	next       uint64 // the position of the next letter
}

// letterPartition is one partition of the topic.
type letterPartition struct {
	id        int
	offset    int64 // to be read next
	last      int64 // the end of the look
	marks     marks
	committed bool // the group had a commit, or has one now
}

// handedLetter is where a letter that was handed over stands.
type handedLetter struct {
	partition *letterPartition
	offset    int64
}

var _ sdk.LetterBox = (*Kafka)(nil)

// LetterPlace is the topic and its cluster.
func (k *Kafka) LetterPlace() string {
	if k.options.DeadLetter == nil {
		return ""
	}
	return "kafka " + strings.Join(slices.Sorted(slices.Values(k.options.Brokers)), ",") + " " + k.options.DeadLetter.Topic
}

// Letters begins a look at the dead letters.
func (k *Kafka) Letters(ctx context.Context, o sdk.LetterOptions) (sdk.Letters, error) {
	if k.options.DeadLetter == nil {
		return nil, errors.New("the options have no dead_letter")
	}
	c, err := newCluster(&k.options, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	l := &letters{cluster: c, topic: k.options.DeadLetter.Topic, group: k.options.letterGroup(), taken: o.Taken, handed: make(map[uint64]handedLetter)}
	if err := l.begin(ctx); err != nil {
		c.close()
		return nil, err
	}
	return l, nil
}

// letterGroup is the group whose offsets mark what was taken.
func (o *Options) letterGroup() string {
	if o.Input != nil {
		return o.Input.Group + ".dead-replay"
	}
	return "pushcore.dead-replay"
}

// begin finds what there is and what of it was taken.
func (l *letters) begin(ctx context.Context) error {
	there, err := l.cluster.layout(ctx, []string{l.topic})
	if err != nil {
		return err
	}
	if there[l.topic] == 0 {
		return refuse("dead_letter: topic %s does not exist", l.topic)
	}
	bounds, err := l.cluster.bounds(ctx, there)
	if err != nil {
		return err
	}
	commits, err := l.commits(ctx, there[l.topic])
	if err != nil {
		return err
	}
	for id := range there[l.topic] {
		b := bounds[l.topic][id]
		p := &letterPartition{id: id, offset: b.first, last: b.last, marks: marks{end: b.first}}
		if c, ok := commits[id]; ok {
			// A topic that was made anew ends before what was committed.
			if kept, err := parseMarks(c.CommittedOffset, c.Metadata); err != nil {
				return fmt.Errorf("group %s, %s/%d: %w", l.group, l.topic, id, err)
			} else if kept.end <= b.last {
				p.marks, p.committed = kept, true
				p.marks.add(0, b.first)
			}
		}
		if !l.taken {
			p.offset = max(p.offset, p.marks.end)
		}
		l.partitions = append(l.partitions, p)
	}
	return nil
}

// commits are the group's, by partition. The coordinator of a group that was never
// used may have to be made first.
func (l *letters) commits(ctx context.Context, partitions int) (map[int]kafka.OffsetFetchPartition, error) {
	var ids []int
	for id := range partitions {
		ids = append(ids, id)
	}
	found := make(map[int]kafka.OffsetFetchPartition)
	err := again(ctx, func(ctx context.Context) error {
		answer, err := l.cluster.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: l.group, Topics: map[string][]int{l.topic: ids}})
		if err == nil {
			err = answer.Error
		}
		if err != nil {
			return err
		}
		for _, p := range answer.Topics[l.topic] {
			if p.Error != nil {
				return p.Error
			}
			if p.CommittedOffset >= 0 {
				found[p.Partition] = p
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("offsets of group %s: %w", l.group, err)
	}
	return found, nil
}

// again tries a call until it is answered, for some seconds: what passes by itself
// (a coordinator or a leader that is being found) is tried again.
func again(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*callTimeout)
	defer cancel()
	backoff := pace.Backoff{Least: 100 * time.Millisecond, Most: 2 * time.Second}
	for {
		err := call(ctx)
		var answered kafka.Error
		if err == nil || !errors.As(err, &answered) || !answered.Temporary() {
			return err
		}
		if backoff.Wait(ctx) != nil {
			return err
		}
	}
}

// Next reads further letters.
func (l *letters) Next(ctx context.Context) ([]sdk.Letter, error) {
	for l.at < len(l.partitions) {
		p := l.partitions[l.at]
		if p.offset >= p.last {
			l.at++
			continue
		}
		found, err := l.read(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("read %s/%d: %w", l.topic, p.id, err)
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	return nil, io.EOF
}

// read makes one fetch. Offsets that hold no letter are marked as if one were taken
// there, so that marks are contiguous where they can be.
func (l *letters) read(ctx context.Context, p *letterPartition) ([]sdk.Letter, error) {
	var got fetched
	err := again(ctx, func(ctx context.Context) (err error) {
		got, err = l.cluster.fetch(ctx, l.topic, p.id, p.offset, fetchBytesMost)
		return err
	})
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return nil, l.skipDeleted(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	var found []sdk.Letter
	for _, r := range got.records {
		offset := int64(r.Position)
		if offset >= p.last {
			break
		}
		p.marks.add(p.offset, offset)
		p.offset = offset + 1
		if taken := p.marks.has(offset); !taken || l.taken {
			found = append(found, l.letter(p, r, taken))
		}
	}
	if next := min(got.next, p.last); next > p.offset {
		p.marks.add(p.offset, next)
		p.offset = next
	}
	return found, nil
}

// skipDeleted goes on where the partition begins by now.
func (l *letters) skipDeleted(ctx context.Context, p *letterPartition) error {
	bounds, err := l.cluster.bounds(ctx, layout{l.topic: p.id + 1})
	if err != nil {
		return err
	}
	first := bounds[l.topic][p.id].first
	if first <= p.offset {
		return errors.New("the partition is shorter than it was a moment ago")
	}
	p.marks.add(p.offset, first)
	p.offset = first
	return nil
}

// unsureAfter is the age from which a letter in a partition without any mark may
// have been taken: brokers forget the offsets of a group without members, seven
// days after the last commit by default.
const unsureAfter = 24 * time.Hour

func (l *letters) letter(p *letterPartition, r sdk.Record, taken bool) sdk.Letter {
	place := fmt.Sprintf("%s/%d/%d", l.topic, p.id, r.Position)
	l.handed[l.next] = handedLetter{partition: p, offset: int64(r.Position)}
	r.Position = l.next
	l.next++
	letter := sdk.Letter{Place: place, Taken: taken, Record: r}
	if age := time.Since(r.Timestamp); !taken && !p.committed && !r.Timestamp.IsZero() && age > unsureAfter {
		letter.Unsure = true
		letter.Warning = fmt.Sprintf("it is %s old, and group %s has no offset in its partition: nothing was replayed there yet, or the cluster has forgotten it (offsets.retention.minutes after the last replay, 7 days by default)",
			age.Round(time.Hour), l.group)
	}
	return letter
}

// Take marks letters. The marks of all partitions are committed each time, so that
// the broker forgets them together.
func (l *letters) Take(ctx context.Context, taken []sdk.Letter) error {
	for _, t := range taken {
		if h, ok := l.handed[t.Record.Position]; ok {
			h.partition.marks.add(h.offset, h.offset+1)
			delete(l.handed, t.Record.Position)
		}
	}
	var commits []kafka.OffsetCommit
	for _, p := range l.partitions {
		metadata, err := p.marks.metadata()
		if err != nil {
			return fmt.Errorf("%s/%d: %w", l.topic, p.id, err)
		}
		commits = append(commits, kafka.OffsetCommit{Partition: p.id, Offset: p.marks.end, Metadata: metadata})
	}
	err := again(ctx, func(ctx context.Context) error { return l.commit(ctx, commits) })
	if err != nil {
		return fmt.Errorf("commit to group %s: %w", l.group, err)
	}
	return nil
}

func (l *letters) commit(ctx context.Context, commits []kafka.OffsetCommit) error {
	answer, err := l.cluster.client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: l.group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{l.topic: commits},
	})
	if err != nil {
		return err
	}
	for _, p := range answer.Topics[l.topic] {
		if p.Error != nil {
			return p.Error
		}
	}
	return nil
}

// Close ends the look.
func (l *letters) Close() error {
	l.cluster.close()
	return nil
}
