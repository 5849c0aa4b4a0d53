// Package brokers gives tests a real Apache Kafka or a real RabbitMQ: one node on free loopback ports and a directory of
// its own, that can be killed, paused and started again on the same data and the same port.
//
//	broker := brokers.Kafka(t)          // this test's own, gone at its end
//	broker.CreateTopic("push", 8)
//	broker.Kill()                       // SIGKILL
//	broker.Start()                      // same data, same port, returns when it serves
//
//	broker := brokers.SharedKafka(t)    // one for all tests of the package, see Main
//
// ci/brokers.sh brings what is needed onto a machine. Where it is missing, tests are skipped with one line that says so;
// where CI=true or PUSHCORE_REQUIRE_BROKERS=1 is set they fail instead.
//
// No broker outlives the tests, however these end: the kernel kills it together with the test binary. That needs Linux, so
// elsewhere the brokers count as missing.
package brokers
