package brokers

import (
	"fmt"
	"path/filepath"
	"strings"
)

const kafkaClusterID = "cHVzaGNvcmUtdGVzdC0xMg" // any 16 bytes

func kafkaSettingsFile(dir string) string { return filepath.Join(dir, "server.properties") }

// kafkaSettings becomes a server.properties.
type kafkaSettings struct {
	addr, controllerAddr string
	secureAddr, keyStore string // "" without Secure
	dataDir              string
	more                 []string
}

// kafkaFixed is what every node is started with: quick to start, quick to come back, one replica of everything.
const kafkaFixed = `process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
auto.create.topics.enable=false

# A group starts with its first member, and a restarted node finds all its groups in one partition.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1

# A node that was killed is let in again only when the controller takes its former self for dead: 9 s by default.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500

# The cleaner's buffer alone would be half of the heap.
log.cleaner.enable=false
num.network.threads=2
num.io.threads=2
`

func (s kafkaSettings) String() string {
	var b strings.Builder
	b.WriteString(kafkaFixed)
	fmt.Fprintf(&b, "log.dirs=%s\n", s.dataDir)
	fmt.Fprintf(&b, "controller.quorum.voters=1@%s\n", s.controllerAddr)
	listeners := fmt.Sprintf("PLAIN://%s", s.addr)
	if s.secureAddr != "" {
		listeners += fmt.Sprintf(",SECURE://%s", s.secureAddr)
		b.WriteString(s.secureListener())
	}
	fmt.Fprintf(&b, "advertised.listeners=%s\n", listeners)
	fmt.Fprintf(&b, "listeners=%s,CONTROLLER://%s\n", listeners, s.controllerAddr)
	b.WriteString("listener.security.protocol.map=PLAIN:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT\n")
	for _, line := range s.more {
		b.WriteString(line + "\n")
	}
	return b.String()
}

func (s kafkaSettings) secureListener() string {
	const listener = "listener.name.secure."
	const module = "org.apache.kafka.common.security."
	return fmt.Sprintf("sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512\n"+
		listener+"plain.sasl.jaas.config="+module+"plain.PlainLoginModule required user_%s=\"%s\";\n"+
		listener+"scram-sha-512.sasl.jaas.config="+module+"scram.ScramLoginModule required;\n"+
		listener+"ssl.keystore.type=PEM\n"+
		listener+"ssl.keystore.location=%s\n", Username, Password, s.keyStore)
}
