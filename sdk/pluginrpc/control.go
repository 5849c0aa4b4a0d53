package pluginrpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pushcore/pushcore/sdk"
)

// Calls that are made once or seldom (Info, Configure, Open, Close) cross as JSON
// objects with the names of the sdk's fields, errors as their text.

// configured is the answer to Configure.
type configured struct {
	Setup  sdk.Setup
	Errors []sdk.OptionError
}

// opened is the answer to Open.
type opened struct {
	Endpoints []sdk.Endpoint
	Error     string
}

// closed is the answer to Close.
type closed struct{ Error string }

// call runs f on a goroutine of the plugin's side and brings its answer back as
// bytes.
func call[T any](f func() T) T {
	answer := make(chan []byte)
	go func() {
		b, err := json.Marshal(f())
		if err != nil {
			panic(fmt.Sprintf("pluginrpc: encode an answer: %v", err)) // Plain data of ours always encodes.
		}
		answer <- b
	}()
	var v T
	if err := json.Unmarshal(<-answer, &v); err != nil {
		panic(fmt.Sprintf("pluginrpc: decode an answer: %v", err))
	}
	return v
}

func info(p sdk.Plugin) sdk.Info { return call(p.Info) }

func configure(p sdk.Plugin, options []byte) (sdk.Setup, []sdk.OptionError) {
	options = append([]byte(nil), options...)
	a := call(func() (a configured) {
		a.Setup, a.Errors = p.Configure(options)
		return a
	})
	return a.Setup, a.Errors
}

func closePlugin(p sdk.Plugin, deadline time.Time) error {
	a := call(func() closed { return closed{text(p.Close(deadline))} })
	return crossed(a.Error)
}

// text is what crosses of an error, crossed what becomes of it there: errors lose
// their type on the way.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func crossed(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}
