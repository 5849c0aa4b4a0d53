package compress

// Registry holds the codecs of one loop, each made when it is first asked for:
// a loop whose devices use one only pays for that one.
type Registry struct {
	codecs [Zstd + 1]Codec
}

// NewRegistry returns the codecs for one loop.
func NewRegistry() *Registry { return &Registry{} }

// Lookup returns the codec of a name, and false if there is none.
func (r *Registry) Lookup(name string) (Codec, bool) { return r.Number(numberOf(name)) }

// Number returns the codec of a number, and false for None and unknown ones.
func (r *Registry) Number(n Number) (Codec, bool) {
	if n == None || int(n) >= len(r.codecs) {
		return nil, false
	}
	if r.codecs[n] == nil {
		r.codecs[n] = newCodec(n)
	}
	return r.codecs[n], true
}

func newCodec(n Number) Codec {
	switch n {
	case Snappy:
		return snappyCodec{}
	case Zstd:
		return newZstdCodec()
	}
	panic("compress: a number without a codec")
}
