package check

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Message names a message: the number-th of a source to a user.
type Message struct {
	Source, User string
	Number       int
}

func (m Message) String() string { return fmt.Sprintf("%s/%s/%d", m.Source, m.User, m.Number) }

// Payload makes the body of a message under an id: the names, padding up to size, and a hash over both. Names and ids
// hold no spaces.
func Payload(m Message, id string, size int) string {
	head := fmt.Sprintf("%s %s %d %s ", m.Source, m.User, m.Number, id)
	if pad := size - len(head) - 1 - hashLength; pad > 0 {
		head += strings.Repeat("x", pad)
	}
	return head + " " + hash(head)
}

const hashLength = 32

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:hashLength]
}

// parsePayload is Payload backwards; ok is false if anything of it is not as it was made.
func parsePayload(payload string) (m Message, id string, ok bool) {
	cut := len(payload) - hashLength - 1
	if cut < 0 || payload[cut] != ' ' || payload[cut+1:] != hash(payload[:cut]) {
		return m, "", false
	}
	fields := strings.Split(payload[:cut], " ")
	if len(fields) != 5 {
		return m, "", false
	}
	number, err := strconv.Atoi(fields[2])
	if err != nil {
		return m, "", false
	}
	return Message{fields[0], fields[1], number}, fields[3], true
}
