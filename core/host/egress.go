package host

import (
	"github.com/pushcore/pushcore/sdk"
)

// RouteSource is the route of what goes back to the instance that its record
// came from.
const RouteSource = "source"

// Routes name the instance for each kind of output; RouteSource stands for the
// instance of the record, empty for none.
type Routes map[sdk.Output]string

// Egress finds the instance that a publish goes to. It is immutable after
// construction and may be used from any goroutine.
type Egress struct {
	routes  Routes
	brokers map[string]*Broker
	outputs map[string]map[sdk.Output]bool // instance → what its options name a target for
}

// NewEgress routes over brokers, which have the outputs that their plugins'
// Setup named.
func NewEgress(routes Routes, brokers map[string]*Broker, outputs map[string][]sdk.Output) *Egress {
	e := &Egress{routes: routes, brokers: brokers, outputs: map[string]map[sdk.Output]bool{}}
	for name, list := range outputs {
		e.outputs[name] = map[sdk.Output]bool{}
		for _, o := range list {
			e.outputs[name][o] = true
		}
	}
	return e
}

// Target is the instance that takes an output of a record from origin, or nil.
func (e *Egress) Target(o sdk.Output, origin string) *Broker {
	name := e.routes[o]
	if name == RouteSource {
		name = origin
	}
	if !e.outputs[name][o] {
		return nil
	}
	return e.brokers[name]
}

// Publish sends a record to the instance that the routes name. Without one the
// reply is a final error.
func (e *Egress) Publish(r sdk.Outgoing, origin string, reply Reply) {
	b := e.Target(r.Output, origin)
	if b == nil {
		reply(sdk.PublishResult{Error: "no instance takes " + string(r.Output), Final: true})
		return
	}
	b.Publish(r, reply)
}
