package wire

// CredentialKind says what a device proves itself with.
type CredentialKind uint8

// The kinds of credentials.
const (
	CredentialNone   CredentialKind = iota
	CredentialBearer                // Token.
	CredentialBasic                 // User, Password.
)

// Credentials prove who a device is. They must never be logged. Each part is
// UTF-8 of at most CredentialBytesMax bytes.
type Credentials struct {
	Kind     CredentialKind
	Token    string // Not empty if the kind is bearer.
	User     string // Not empty if the kind is basic.
	Password string
}

func (c *Credentials) append(dst []byte) []byte {
	dst = append(dst, byte(c.Kind))
	switch c.Kind {
	case CredentialBearer:
		dst = appendBytes(dst, c.Token)
	case CredentialBasic:
		dst = appendBytes(dst, c.User)
		dst = appendBytes(dst, c.Password)
	}
	return dst
}

func (r *reader) credentials() (c Credentials) {
	offset := r.pos
	c.Kind = CredentialKind(r.byte("credentials"))
	switch c.Kind {
	case CredentialNone:
	case CredentialBearer:
		c.Token = string(r.text("token", 1, CredentialBytesMax))
	case CredentialBasic:
		c.User = string(r.text("username", 1, CredentialBytesMax))
		c.Password = string(r.text("password", 0, CredentialBytesMax))
	default:
		r.fail("credentials", offset, "unknown kind")
	}
	return c
}

// appendJSON appends "token", or "username" and "password".
func (c *Credentials) appendJSON(dst []byte) []byte {
	switch c.Kind {
	case CredentialBearer:
		dst = appendJSONText(dst, "token", c.Token)
	case CredentialBasic:
		dst = appendJSONText(dst, "username", c.User)
		dst = appendJSONText(dst, "password", c.Password)
	}
	return dst
}

// credential reads the field if it is one of c, and tells whether it was.
func (r *jsonReader) credential(field string, c *Credentials) bool {
	switch field {
	case "token":
		c.Token = string(r.text(field, CredentialBytesMax))
	case "username":
		c.User = string(r.text(field, CredentialBytesMax))
	case "password":
		c.Password = string(r.text(field, CredentialBytesMax))
	default:
		return false
	}
	return true
}

// credentialsEnd gives c its kind, after the last field.
func (r *jsonReader) credentialsEnd(c *Credentials) {
	basic := c.User != "" || c.Password != ""
	switch {
	case c.Token != "" && basic:
		r.fail("token", r.pos, "together with username or password")
	case c.Token != "":
		c.Kind = CredentialBearer
	case basic:
		r.require(c.User != "", "username")
		c.Kind = CredentialBasic
	}
}
