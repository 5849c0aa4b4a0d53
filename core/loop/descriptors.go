package loop

import "github.com/pushcore/pushcore/sdk"

const (
	pageBits = 8
	pageSize = 1 << pageBits
	pageMask = pageSize - 1
)

// descriptor is what the loop knows of a file descriptor.
type descriptor struct {
	watcher    sdk.Watcher // nil: not watched
	generation uint32      // of the last watcher under this number
	interest   sdk.Interest
}

// descriptors is a table by descriptor number, in pages: a loop sees only its
// share of the process's numbers, and growing copies no entry.
type descriptors struct {
	pages []*[pageSize]descriptor
}

// at returns the entry of a number.
func (t *descriptors) at(fd int) *descriptor {
	page := fd >> pageBits
	for page >= len(t.pages) {
		t.pages = append(t.pages, nil)
	}
	if t.pages[page] == nil {
		t.pages[page] = new([pageSize]descriptor)
	}
	return &t.pages[page][fd&pageMask]
}

// find returns the entry of a watched descriptor, or nil.
func (t *descriptors) find(fd int) *descriptor {
	page := fd >> pageBits
	if fd < 0 || page >= len(t.pages) || t.pages[page] == nil {
		return nil
	}
	d := &t.pages[page][fd&pageMask]
	if d.watcher == nil {
		return nil
	}
	return d
}
