package mqtt

import "github.com/pushcore/pushcore/sdk"

// packetIDs is how many packet ids there are: 1 to 65535.
const packetIDs = 1<<16 - 1

// flight knows which messages are under way to the device, by packet id. A
// message's id follows from its seq, so that one that is sent again, over another
// connection too, has the id that it had; only when that is taken it gets another.
type flight struct {
	seqs   map[uint16]uint64
	strays int // those with another id
}

func home(seq uint64) uint16 { return uint16((seq-1)%packetIDs) + 1 }

// put gives a message its id; again says that it is under way already. False: all
// ids are taken.
func (f *flight) put(seq uint64) (id uint16, again, ok bool) {
	if f.seqs == nil {
		f.seqs = map[uint16]uint64{}
	}
	id = home(seq)
	if f.seqs[id] == seq {
		return id, true, true
	}
	if f.strays > 0 {
		for id, s := range f.seqs {
			if s == seq {
				return id, true, true
			}
		}
	}
	if len(f.seqs) == packetIDs {
		return 0, false, false
	}
	for f.seqs[id] != 0 {
		id = id%packetIDs + 1
	}
	if id != home(seq) {
		f.strays++
	}
	f.seqs[id] = seq
	return id, false, true
}

// take ends the message with an id.
func (f *flight) take(id uint16) (seq uint64, ok bool) {
	if seq, ok = f.seqs[id]; ok {
		delete(f.seqs, id)
		if id != home(seq) {
			f.strays--
		}
	}
	return seq, ok
}

// ranges gathers seqs.
type ranges []sdk.SeqRange

func (r *ranges) add(seq uint64) {
	if n := len(*r); n > 0 && (*r)[n-1].Last+1 == seq {
		(*r)[n-1].Last = seq
		return
	}
	*r = append(*r, sdk.SeqRange{First: seq, Last: seq})
}
