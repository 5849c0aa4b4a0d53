package pluginrpc

import "github.com/pushcore/pushcore/sdk"

// TokenSize is the length in bytes of the token that opens a link.
const TokenSize = 32

// AppendHello appends the first record of a link: whose it is.
func AppendHello(b []byte, token []byte, l sdk.Loop) []byte {
	start := len(b)
	return finish(append(begin(b, KindHello, 0, 0, uint64(l), 0), token...), start)
}

// Hello decodes the first record of a link. The token is a part of its body.
func (r *Record) Hello() (token []byte, l sdk.Loop, err error) {
	if err := r.is(KindHello, 0); err != nil {
		return nil, 0, err
	}
	if len(r.Body) != TokenSize || r.A > loopsMax || r.B != 0 {
		return nil, 0, r.malformed("not the token of a loop")
	}
	return r.Body, sdk.Loop(r.A), nil
}

// loopsMax bounds the loops of a runtime that a plugin serves.
const loopsMax = 1 << 12
