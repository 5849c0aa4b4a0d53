package brokers

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// victimVariable makes the test binary start both brokers in the directory it names and then wait to be killed.
const victimVariable = "PUSHCORE_TEST_VICTIM"

func TestNoBrokerOutlivesAKilledTestBinary(t *testing.T) {
	t.Parallel()
	SharedKafka(t) // Ends this test where brokers are missing.
	SharedRabbitMQ(t)
	dir := t.TempDir()
	mark := victimVariable + "=" + dir
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), mark)
	output, err := victim.StdoutPipe()
	if err == nil {
		err = victim.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || line != "brokers serve\n" {
		t.Fatalf("the victim said %q, %v", line, err)
	}
	if got := withEnvironment(t, mark); len(got) < 4 { // Itself, java, epmd and beam.
		t.Fatalf("only these run before the kill: %v", got)
	}

	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // It reports the kill.
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for left := withEnvironment(t, mark); len(left) > 0; left = withEnvironment(t, mark) {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("these outlived the test binary: %v", left)
		}
	}
}

func runVictim(dir string) error {
	for _, sub := range []string{"kafka", "rabbitmq"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
	}
	_, kafkaErr := startKafka(filepath.Join(dir, "kafka"), options{})
	_, rabbitErr := startRabbitMQ(filepath.Join(dir, "rabbitmq"), options{})
	if err := errors.Join(kafkaErr, rabbitErr); err != nil {
		return err
	}
	fmt.Println("brokers serve")
	select {}
}

// withEnvironment lists the living processes that were started with the variable: a broker's children inherit it.
func withEnvironment(t *testing.T, variable string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		environment, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(environment, []byte(variable)) { // Gone meanwhile, or not ours. A zombie has none.
			continue
		}
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "comm"))
		found = append(found, fmt.Sprintf("%s %s", filepath.Base(filepath.Dir(file)), strings.TrimSpace(string(command))))
	}
	return found
}
