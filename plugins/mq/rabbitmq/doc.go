// Package rabbitmq joins RabbitMQ by AMQP 0-9-1: queues in, exchanges or queues
// out. [RabbitMQ] is the plugin. Streams are not consumed in this version.
//
// A source is a queue, named as it is. Its positions are delivery tags, which mean
// something on one channel only: each channel is an epoch, a tag of an old one is
// never acknowledged on a new one, and ids come from push-id or message-id. Two
// supervised connections (link.go) carry consuming and publishing apart, so that a
// broker that blocks publishers still gets acknowledgements. Each queue has a
// channel (queue.go, subscription.go), one goroutine that hands over and one that
// acknowledges (settle.go): the contiguous part with one multiple ack.
// Publishing (publish.go) has a channel with confirms; records are persistent and
// mandatory, so one that no queue takes is an error.
//
// # What an operator should set
//
// Order is promised for a queue with x-single-active-consumer, or while no other
// consumer reads it; a node that sees another one says so. With `declare: true`
// a missing queue is declared durable, as a quorum queue with a single active
// consumer.
//
// RabbitMQ closes a channel on which a delivery stays unacknowledged for longer
// than its consumer_timeout, 30 minutes by default. With a durable store a record
// is acknowledged when it is stored, a few seconds after it came. With the memory
// store, or when the store is failing, it may stay open for longer: then all open
// records of the queue come again, under the same ids, and nothing is lost, but
// the repetition goes on. Set consumer_timeout above the longest time that records
// may wait, for a queue by its argument x-consumer-timeout.
//
// A quorum queue counts how often a record came back and, above its delivery
// limit, drops it or dead-letters it at the broker: 20 times by default from
// RabbitMQ 4.0 on, without a limit before. Each restart of a node and each lost
// connection counts for the records open then. Set the policy delivery-limit to a
// number that restarts cannot reach (-1 for none, from 4.0 on), and a
// dead-letter-exchange, so that what reaches it is kept.
//
// A paused source keeps what it was already sent, prefetch records at the most.
package rabbitmq
