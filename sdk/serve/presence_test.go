package serve

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestProcessEndsWhenItIsAloneForTooLong(t *testing.T) {
	for name, tc := range map[string]struct {
		story func(p *presence)
		ends  time.Duration // after the start; 0: never
	}{
		"nobody ever comes": {func(*presence) {}, firstGrace},
		"runtime stays":     {func(p *presence) { p.arrive() }, 0},
		"runtime goes before Attach": {func(p *presence) {
			p.arrive()
			time.Sleep(time.Second)
			p.leave()
		}, time.Second + firstGrace},
		"runtime comes back": {func(p *presence) {
			p.arrive()
			p.allow(3 * time.Second)
			p.leave()
			time.Sleep(2 * time.Second)
			p.arrive()
		}, 0},
		"runtime does not come back": {func(p *presence) {
			p.arrive()
			p.allow(3 * time.Second)
			p.leave()
		}, 3 * time.Second},
		"second connection stays": {func(p *presence) {
			p.arrive()
			p.arrive()
			p.allow(3 * time.Second)
			p.leave()
		}, 0},
		"no grace": {func(p *presence) {
			p.arrive()
			p.allow(0)
			p.leave()
		}, 1},
		"ended by its runtime": {func(p *presence) {
			p.end()
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var ended time.Duration
				p := newPresence(func(string) { ended = max(time.Since(began), 1) })
				p.begin()
				tc.story(p)
				time.Sleep(time.Hour)
				synctest.Wait()
				if ended != tc.ends {
					t.Errorf("ended after %v, want %v", ended, tc.ends)
				}
				p.end()
			})
		})
	}
}
