package brokers

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain also is the body of the process that TestNoBrokerOutlivesAKilledTestBinary kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv(victimVariable); dir != "" {
		if err := runVictim(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(Stopping(m))
}
