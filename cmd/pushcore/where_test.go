package main

import (
	"strings"
	"testing"
	"time"

	"github.com/pushcore/pushcore/core/admin"
)

func TestWhereIsATableForPeople(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	next, two := at.Add(4*time.Second), 2
	found := &admin.Whereabouts{
		Messages: []admin.Message{{
			ID: "order-42", Scope: "orders", Name: "shipped", Class: "reliable", Source: admin.SourceOf("orders", "push/3", 1234), AcceptedAt: at,
			Receivers: &two, Totals: map[string]int{"pending": 1, "dead": 1},
			Rows: []admin.Receiver{
				{To: "device:alice/phone", Fate: "pending", Where: "in_flight", Attempts: 2, NextAt: &next},
				{To: "user:bob", Fate: "dead", Reason: "no_ack", Attempts: 30, At: &at, DeadLetter: "orders"},
			},
		}},
		Records: []admin.Record{{
			ID: "order-42", Source: admin.SourceOf("orders", "push/3", 1250), At: at, Outcome: "dead", Reason: "bad_address", Detail: "push-to: no", DeadLetter: "orders"}},
		Incomplete: "the store does not say",
	}
	var b strings.Builder
	if err := printWhere(&b, found); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"record orders/push/3/1250 (order-42): dead bad_address: push-to: no; its dead letter went to orders\n",
		"message order-42 in orders: reliable, shipped, from orders/push/3/1234, accepted " + clock(at) + "\n2 receivers: 1 dead, 1 pending\n",
		"sent, no ack yet, again at " + clock(next) + "\n",
		"no_ack, letter to orders\n",
		"This is not all: the store does not say.\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("lacks %q:\n%s", want, b.String())
		}
	}
}

func TestWhereNamesOneMessage(t *testing.T) {
	for path, args := range map[string][]string{
		"/v1/messages/a%2Fb?user=x+y":                  {"a/b", "x y", ""},
		"/v1/messages?source=orders%2Fpush%2F3%2F1234": {"", "", "orders/push/3/1234"},
	} {
		if got := wherePath(args[:1], args[1], args[2]); got != path {
			t.Errorf("%v asks %s, want %s", args, got, path)
		}
	}
}
