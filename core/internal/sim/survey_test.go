package sim

import (
	"fmt"
	"os"
	"strconv"
	"testing"
)

// TestSurvey lists what fails over many seeds, one line each; only on demand.
func TestSurvey(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("PUSHCORE_SIM_SURVEY"))
	if err != nil {
		t.Skip("PUSHCORE_SIM_SURVEY says over how many seeds")
	}
	bad := 0
	for seed := range uint64(n) {
		func() {
			defer func() {
				if r := recover(); r != nil {
					bad++
					fmt.Printf("PANIC %.300v\n", r)
				}
			}()
			if _, err := Run(seed, Options{}); err != nil {
				bad++
				fmt.Printf("%.180v\n", err)
			}
		}()
	}
	fmt.Println(bad, "of", n)
}
