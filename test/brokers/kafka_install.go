package brokers

import (
	_ "embed"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed kafka/pom.xml
var kafkaPOM []byte

// kafkaInstall is an Apache Kafka on this machine.
type kafkaInstall struct {
	java string // path of the executable
	jars string // directory
}

// findKafka looks where ci/brokers.sh puts it.
func findKafka() (kafkaInstall, error) {
	if !systemSupported {
		return kafkaInstall{}, &missingError{}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return kafkaInstall{}, err
	}
	version, err := kafkaVersion()
	if err != nil {
		return kafkaInstall{}, err
	}
	jars := filepath.Join(cache, "pushcore", "kafka-"+version)
	if _, err := os.Stat(jars); err != nil {
		return kafkaInstall{}, &missingError{what: fmt.Sprintf("there is no Apache Kafka %s in %s", version, jars)}
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return kafkaInstall{}, &missingError{what: "there is no java (17 or later) for Apache Kafka"}
	}
	return kafkaInstall{java: java, jars: jars}, nil
}

// kafkaVersion is the version that the Maven project names.
func kafkaVersion() (string, error) {
	var project struct {
		Dependencies []struct {
			Artifact string `xml:"artifactId"`
			Version  string `xml:"version"`
		} `xml:"dependencies>dependency"`
	}
	if err := xml.Unmarshal(kafkaPOM, &project); err != nil {
		return "", fmt.Errorf("kafka/pom.xml: %w", err)
	}
	for _, d := range project.Dependencies {
		if d.Artifact == "kafka_2.13" {
			return d.Version, nil
		}
	}
	return "", fmt.Errorf("kafka/pom.xml names no kafka_2.13")
}

// command runs one of Kafka's main classes in a JVM made for a short life: small, quick to start, and leaving nothing
// outside dir, not even when it is killed.
func (k kafkaInstall) command(dir string, classAndArgs ...string) *exec.Cmd {
	args := []string{
		"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
		"-Djava.io.tmpdir=" + dir, "-Dlog4j2.level=info",
		"-cp", filepath.Join(k.jars, "*"),
	}
	cmd := exec.Command(k.java, append(args, classAndArgs...)...)
	cmd.Dir = dir
	return cmd
}
