package metrics

import "github.com/prometheus/client_golang/prometheus"

// families are all metrics, in the order of their definition below.
var families []*Family

func gauge(name, help string, labels ...string) *Family {
	return family(prometheus.GaugeValue, name, help, labels)
}

func counter(name, help string, labels ...string) *Family {
	return family(prometheus.CounterValue, name, help, labels)
}

func family(kind prometheus.ValueType, name, help string, labels []string) *Family {
	f := &Family{prometheus.NewDesc("pushcore_"+name, help, labels, nil), kind}
	families = append(families, f)
	return f
}

var connections = gauge("connections", "Connections that have said CONNECT.", "plugin")

// The metrics. Never a user, device or message id in a label.
var (
	Connections      = connections
	Sessions         = gauge("sessions", "Sessions, with a connection or within their resume window.", "state")
	SessionsByClient = gauge("sessions_by_client", "Sessions by platform and version of the client; beyond 100 kinds: other.", "platform", "version")
	SessionSeconds   = gauge("session_seconds", "How long sessions lasted that have ended.")
	IngressPaused    = gauge("ingress_paused", "Sources that are paused, by the bound that they wait for.", "plugin", "reason")
	IngressOpen      = gauge("ingress_open_records", "Records accepted and not settled.", "plugin")
	IngressOldest    = gauge("ingress_oldest_open_seconds", "Age of the oldest of them.", "plugin")
	IngressLag       = gauge("ingress_lag_records", "Records that wait at the broker.", "plugin", "topic", "partition")
	IngressWithoutID = counter("ingress_without_id_total", "Records that brought no id of their own; a redelivery of one is pushed again.", "plugin")
	Fates            = counter("fates_total", "Ends of (message, receiver) pairs.", "fate", "reason", "class")
	BooksDifference  = gauge("books_difference", "Pairs carried and owed, less those that ended and are pending. If it is not 0 and stays so, messages were lost or counted twice: keep the log and report it.")
	NoticesWaiting   = gauge("notices_waiting", "Receipts, dead letters and session events that brokers have not taken.")
	NoticesRefused   = counter("notices_refused_total", "Receipts, dead letters and session events that a broker will never take.")
	EventsMerged     = counter("events_merged_total", "Session events that were not published because a newer one of the device took their place.")
	FatesNotExported = counter("fates_not_exported_total", "Fates that were not published where routes.fates says: the broker did not take them, or not fast enough.")
	DeliverySeconds  = gauge("delivery_seconds", "From acceptance to the ack, or for fast messages to the socket.", "class")
	Attempts         = counter("attempts_total", "Sends of reliable messages, the first ones included.")
	Closes           = counter("closes_total", "Connections of sessions that ended, by close code; 0: the peer went away.", "plugin", "code")
	Rejects          = counter("rejects_total", "Refused CONNECTs, by close code.", "plugin", "code")
	LoopBusyRatio    = gauge("loop_busy_ratio", "Share of time since the last scrape that a loop did not wait.", "loop")
	LoopLagSeconds   = gauge("loop_lag_seconds", "Longest wait of an input in a loop's mailbox in the last second that had any.", "loop")
	PluginUp         = gauge("plugin_up", "1 while a plugin works: a transport is open, a broker is reached.", "plugin")
	PluginRestarts   = counter("plugin_restarts_total", "Restarts of a plugin's process.", "plugin")
)
