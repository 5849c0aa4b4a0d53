package brokers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

func TestKafkaKeepsRecordsAndCommitsWhenKilled(t *testing.T) {
	t.Parallel()
	b := Kafka(t)
	b.CreateTopic("push", 2)
	before := b.PID()
	produce(t, b.Addr(), nil, "push", 1, "one", "two")
	commit(t, b, "readers", "push", 1, 1)

	b.Kill()
	if _, err := kafka.Dial("tcp", b.Addr()); err == nil {
		t.Error("the killed broker still takes connections")
	}
	b.Start()

	if b.PID() == before {
		t.Error("Start did not start a new process")
	}
	produce(t, b.Addr(), nil, "push", 1, "three")
	if got, want := fetch(t, b.Addr(), "push", 1, 3), []string{"one", "two", "three"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("read %q, want %q", got, want)
	}
	if got, want := b.CommittedOffsets("readers", "push"), (map[int]int64{1: 1}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("committed offsets are %v, want %v", got, want)
	}
}

func TestKafkaStopsAndStartsOnTheSamePort(t *testing.T) {
	t.Parallel()
	b := Kafka(t)
	b.CreateTopic("push", 1)
	b.Pause()
	b.Stop() // Paused or not.
	b.Start()
	produce(t, b.Addr(), nil, "push", 0, "after")
	if got := fetch(t, b.Addr(), "push", 0, 1); got[0] != "after" {
		t.Errorf("read %q", got)
	}
}

func TestKafkaServesGroupsAsSoonAsItIsStarted(t *testing.T) {
	b := SharedKafka(t)
	b.CreateTopic("groups", 1)
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: "at-once", Brokers: []string{b.Addr()}, Topics: []string{"groups"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	generation, err := group.Next(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(generation.Assignments["groups"]); got != 1 {
		t.Errorf("the only member was assigned %d partitions of 1", got)
	}
}

func TestKafkaRefusesUnknownTopics(t *testing.T) {
	b := SharedKafka(t)
	writer := &kafka.Writer{Addr: kafka.TCP(b.Addr()), Topic: "never-created", MaxAttempts: 1, Transport: transport(t, nil, nil)}
	defer writer.Close()
	if err := writer.WriteMessages(testContext(t), kafka.Message{Value: []byte("x")}); err == nil {
		t.Error("a record to a topic that nobody created was taken")
	}
}

func TestPausedKafkaAnswersNothingUntilItContinues(t *testing.T) {
	t.Parallel()
	b := Kafka(t)
	conn, err := kafka.DialContext(testContext(t), "tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	b.Pause()
	if err := conn.SetDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Brokers(); err == nil {
		t.Error("the paused broker answered")
	}
	b.Continue()
	b.WaitReady()
}

func TestKafkaSecureListenerTakesBothMechanisms(t *testing.T) {
	t.Parallel()
	b := Kafka(t, Secure(), Setting("num.partitions", "1"))
	b.CreateTopic("push", 1)
	config := &tls.Config{RootCAs: trust(t, b.CAFile())}
	scramMechanism, err := scram.Mechanism(scram.SHA512, Username, Password)
	if err != nil {
		t.Fatal(err)
	}
	plainMechanism := plain.Mechanism{Username: Username, Password: Password}
	produce(t, b.SecureAddr(), transport(t, config, plainMechanism), "push", 0, "plain")
	produce(t, b.SecureAddr(), transport(t, config, scramMechanism), "push", 0, "scram")
	if got := fetch(t, b.Addr(), "push", 0, 2); got[0] != "plain" || got[1] != "scram" {
		t.Errorf("read %q", got)
	}

	wrong := plain.Mechanism{Username: Username, Password: "guess"}
	client := &kafka.Client{Addr: kafka.TCP(b.SecureAddr()), Transport: transport(t, config, wrong)}
	if _, err := client.Metadata(testContext(t), &kafka.MetadataRequest{}); err == nil {
		t.Error("a wrong password was accepted")
	}
}

// produce writes values to one partition and returns when the broker has them.
func produce(t *testing.T, addr string, via *kafka.Transport, topic string, partition int, values ...string) {
	t.Helper()
	if via == nil {
		via = transport(t, nil, nil)
	}
	var records []kafka.Record
	for _, v := range values {
		records = append(records, kafka.Record{Value: kafka.NewBytes([]byte(v))})
	}
	client := &kafka.Client{Addr: kafka.TCP(addr), Transport: via}
	answer, err := client.Produce(testContext(t), &kafka.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		t.Fatal(err)
	}
}

// fetch reads n values from the partition's beginning.
func fetch(t *testing.T, addr, topic string, partition, n int) []string {
	t.Helper()
	conn, err := kafka.DialLeader(testContext(t), "tcp", addr, topic, partition)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var values []string
	for len(values) < n {
		message, err := conn.ReadMessage(1 << 20)
		if err != nil {
			t.Fatalf("after %q: %v", values, err)
		}
		values = append(values, string(message.Value))
	}
	return values
}

// commit commits an offset as a group without members may.
func commit(t *testing.T, b *KafkaBroker, group, topic string, partition int, offset int64) {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(b.Addr()), Transport: transport(t, nil, nil)}
	answer, err := client.OffsetCommit(testContext(t), &kafka.OffsetCommitRequest{
		GroupID: group, GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{topic: {{Partition: partition, Offset: offset}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Topics[topic][0].Error; err != nil {
		t.Fatal(err)
	}
}

func transport(t *testing.T, config *tls.Config, mechanism sasl.Mechanism) *kafka.Transport {
	via := &kafka.Transport{TLS: config, SASL: mechanism}
	t.Cleanup(via.CloseIdleConnections)
	return via
}

func trust(t *testing.T, caFile string) *x509.CertPool {
	t.Helper()
	content, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		t.Fatalf("no certificate in %s", caFile)
	}
	return pool
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}
