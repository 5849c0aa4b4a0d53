// Package chaos tries to break a running node, and counts what became of every message.
//
// A story starts the built binary, brokers, devices in processes of their own (sdk/client, and test/chaos/stranger, which
// was written from the protocol's page alone) and publishers over HTTP, Kafka or RabbitMQ; then it kills, stops,
// partitions and starves them. All of them write down what they do, and test/chaos/check, which shares no code with the
// node, reads it and says what was lost, repeated, reordered, corrupted or brought to the wrong device, and whether the
// books balanced whenever they were looked at.
//
//	go test ./test/chaos                                   # the short form, as in CI
//	go test ./test/chaos -long -v -timeout 2h              # all of docs/reliability.md
//	go test ./test/chaos -long -v -run 'TestKillNine/kafka'  # one row
//
// Each story prints its seed; PUSHCORE_CHAOS_SEED=N makes the same choices again (when, for how long, how large), though
// not the same interleaving. PUSHCORE_CHAOS_DIR=DIR keeps its logs and those of the node there. Network namespaces need
// root, ip and nft, a full disk needs root and mount; stories that lack them are skipped with a word why.
package chaos
