package envelope

// ReportKind says what a shard tells the dispatcher.
type ReportKind uint8

// The reports; the comment names the fields used.
const (
	// ReportOwed answers each Deliver at once: Record, Pairs.
	ReportOwed ReportKind = iota + 1
	// ReportSafe follows, once for each Deliver and Control with a Record, when
	// every pair of the part is terminal (its receipts accepted) or stored
	// durably: Record, How, Acked. A part with nothing owed reports it at once.
	ReportSafe
	// ReportGroupJoin: the shard's first member of a group, not yet confirmed:
	// Group, Joins. The dispatcher counts one join, sets the shard's bit and
	// answers GroupConfirmed with the same Joins, which is the shard's name for
	// this report: it must differ from that of a report whose group has become
	// empty since, whose confirmation may still be under way.
	ReportGroupJoin
	// ReportGroupEmpty: no member left: Group, Joins. Joins is the number of
	// joins since the shard's last ReportGroupEmpty of the group that the
	// dispatcher knows of: ReportGroupJoins sent and Controls with OpJoin
	// handled (each counts one, whatever users it names; a further member that
	// was not reported counts none). The dispatcher takes the number off its own
	// count and keeps routing while any is left: a join is on its way.
	ReportGroupEmpty
)

// How says in what way a part of a record became safe.
type How uint8

// Ways, the weakest one of several counts: a record is acked only if all of it is.
const (
	HowAcked  How = iota // every receiver has acked, or was sent what is fast
	HowEnded             // every receiver is terminal
	HowStored            // some are stored durably
	HowMemory            // some wait in a store that is not durable (only reported where that counts as safe)
)

// Report is what a shard tells the dispatcher.
type Report struct {
	Kind   ReportKind
	How    How
	Acked  bool // ReportSafe: by one receiver at least
	Loop   int
	Record RecordID
	Pairs  int
	Group  string
	Joins  uint64
}
