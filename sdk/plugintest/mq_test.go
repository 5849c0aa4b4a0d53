package plugintest

import (
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

func logSuite(f fault) MQSuite {
	var broker *logBroker
	return MQSuite{
		Broker:     func() (Broker, error) { broker = newLogBroker(); return broker, nil },
		New:        func() sdk.MQ { return &logMQ{broker: broker, fault: f} },
		Contiguous: true,
		Lacks:      []Ability{Requeues},
		Quiet:      20 * time.Millisecond,
		Patience:   5 * time.Second,
	}
}

func TestCorrectMQPasses(t *testing.T) { TestMQ(t, logSuite("")) }

func TestBrokenMQsFailWithTheirRule(t *testing.T) {
	for f, broken := range map[fault]struct {
		rule  Rule
		trial string
	}{
		"commits on receipt":              {RuleSettleTold, "settles when told"},
		"commits past a hole":             {RuleNoHole, "settles in any order"},
		"settles into the wrong epoch":    {RuleEpoch, "settles its epoch"},
		"loses on a lost connection":      {RuleNoneLost, "lost connection"},
		"keeps settlements":               {RuleSettleMemory, "keeps nothing of Settle"},
		"does not say Assigned":           {RuleAssigned, "takes records in order"},
		"takes the epoch again":           {RuleAssigned, "rebalance"},
		"blocks without its context":      {RuleNotBehind, "nothing waits behind a batch"},
		"ignores pause":                   {RuleMQPause, "pause"},
		"answers twice":                   {RulePublished, "publish"},
		"answers what it did not publish": {RulePublished, "publish"},
		"takes what is looked at":         {RuleLetters, "letters"},
		"returns what was taken":          {RuleLetters, "letters"},
		"calls after Close":               {RuleMQClose, "close"},
	} {
		t.Run(string(f), func(t *testing.T) {
			s := logSuite(f)
			s.Patience = time.Second
			if f == "calls after Close" {
				s.Quiet = 300 * time.Millisecond // A breach that comes later is overlooked.
			}
			s.defaults()
			r := &recorder{TB: t}
			for _, c := range mqTrials {
				if c.name == broken.trial {
					tell(r, s.run(s.Placements[0], c))
				}
			}
			found := strings.Join(r.errors, "\n")
			if want := "rule " + broken.rule.Name + " is broken: " + broken.rule.Text; !strings.Contains(found, want) {
				t.Errorf("the kit said\n%s\nand not\n%s", found, want)
			}
		})
	}
}

func TestBrokerThatCannotBeHadIsAFailure(t *testing.T) {
	s := logSuite("")
	s.Broker = func() (Broker, error) { return nil, errNoBroker }
	for _, r := range CheckMQ(s) {
		if r.Skipped == "" && len(r.Failures) != 1 {
			t.Errorf("%s: %v", r.Trial, r.Failures)
		}
	}
}
