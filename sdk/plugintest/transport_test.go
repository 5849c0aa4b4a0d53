//go:build linux

package plugintest

import (
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

func memorySuite(f fault) TransportSuite {
	return TransportSuite{New: func() sdk.Transport { return newMemory(f) }, Driver: memoryDriver{}}
}

func TestCorrectTransportPasses(t *testing.T) { TestTransport(t, memorySuite("")) }

func TestBrokenTransportsFailWithTheirRule(t *testing.T) {
	for f, broken := range map[fault]struct {
		rule   Rule
		trials []string
	}{
		"reorders":                          {RuleOrder, []string{"order"}},
		"repeats":                           {RuleNothingLost, []string{"order"}},
		"loses on close":                    {RuleCloseBehind, []string{"close behind the queue"}},
		"acks what was not acked":           {RuleAcked, []string{"acks"}},
		"ignores pause":                     {RulePause, []string{"pause"}},
		"ignores credit":                    {RuleCredit, []string{"credit"}},
		"closes twice":                      {RuleClosedOnce, []string{"ends"}},
		"writes before Flush":               {RuleFlush, []string{"flush"}},
		"keeps batch memory":                {RuleBatchMemory, []string{"order"}},
		"attaches on the wrong loop":        {RuleAttached, []string{"attach to each loop"}},
		"reads before Attached":             {RuleUnread, []string{"unread before attached"}},
		"never says Writable":               {RuleCongested, []string{"congestion"}},
		"drops on stall":                    {RuleNothingLost, []string{"congestion"}},
		"emits from a goroutine of its own": {RuleGoroutine, []string{"attach to each loop"}},
		"forgets connections on Close":      {RuleClosedOnce, []string{"close"}},
		"accepts before Listen":             {RuleListen, []string{"listens when told"}},
		"leaks a goroutine":                 {RuleClose, []string{"ends"}},
		"leaks a descriptor":                {RuleClose, []string{"ends"}},
		"closes late":                       {RuleClose, []string{"close"}},
		"uses large ids":                    {RuleConnID, []string{"connect"}},
		"uses id 0":                         {RuleConnID, []string{"connect"}},
		"speaks after Closed":               {RuleClosedOnce, []string{"ends"}},
		"emits on another loop":             {RuleOwnLoop, []string{"uplinks"}},
		"swallows refusals":                 {RuleRefused, []string{"refused uplinks"}},
		"is congested twice":                {RuleCongested, []string{"congestion"}},
	} {
		t.Run(string(f), func(t *testing.T) {
			s := memorySuite(f)
			s.Patience = time.Second
			s.defaults()
			r := &recorder{TB: t}
			for _, c := range transportTrials {
				for _, name := range broken.trials {
					if c.name == name {
						tell(r, s.run(s.Placements[0], c))
					}
				}
			}
			found := strings.Join(r.errors, "\n")
			if want := "rule " + broken.rule.Name + " is broken: " + broken.rule.Text; !strings.Contains(found, want) {
				t.Errorf("the kit said\n%s\nand not\n%s", found, want)
			}
		})
	}
}
