// Package kafka joins an Apache Kafka cluster: topics in, through a consumer
// group, and topics out. [Kafka] is the plugin.
//
// A source is a partition, named "topic/partition"; its positions are offsets.
// The consumer (consumer.go) finds the topics and joins the group; for each
// generation of it (generation.go) each assigned partition (partition.go) is read
// by one goroutine (consume.go), which hands batches to the host and waits while
// the host has no room. Settlements come back in any order; committed is the
// offset up to which all is settled (commit.go), at most five times a second and
// once more before a generation's partitions are given back.
//
// Publishing (publish.go) keeps one queue and one request under way for each
// partition of an output (lane.go), so that records of one key arrive in order.
// What the broker does not take within half a minute is answered with an error.
// A request whose answer got lost is sent again: outputs are at least once.
//
// What Kafka's protocol leaves to its clients, and this one does not do: records
// of aborted transactions are delivered like others. A group is joined with the
// range assignor.
package kafka
