package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func box(t testing.TB, first byte, purpose string) *Box {
	t.Helper()
	key := make([]byte, KeySize)
	key[0] = first
	b, err := New(key, purpose)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatIsSealedOpensOnlyAsItWas(t *testing.T) {
	b := box(t, 1, "sessions")
	plain := []byte("alice's session")
	sealed := b.Seal(plain)
	if got, err := b.Open(sealed); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("opened %q, %v", got, err)
	}
	if bytes.Contains(sealed, plain) {
		t.Error("it can be read")
	}
	if bytes.Equal(sealed, b.Seal(plain)) {
		t.Error("the same is sealed the same way twice")
	}
	for name, other := range map[string]*Box{"another key": box(t, 2, "sessions"), "another purpose": box(t, 1, "session")} {
		if _, err := other.Open(sealed); !errors.Is(err, ErrSeal) {
			t.Errorf("%s opens it: %v", name, err)
		}
	}
	for bit := range len(sealed) * 8 {
		changed := bytes.Clone(sealed)
		changed[bit/8] ^= 1 << (bit % 8)
		if _, err := b.Open(changed); !errors.Is(err, ErrSeal) {
			t.Fatalf("opened with bit %d changed: %v", bit, err)
		}
	}
	for n := range sealed {
		if _, err := b.Open(sealed[:n]); !errors.Is(err, ErrSeal) {
			t.Fatalf("the first %d bytes opened: %v", n, err)
		}
	}
	if _, err := b.Open(append(bytes.Clone(sealed), 0)); !errors.Is(err, ErrSeal) {
		t.Errorf("opened with a byte more: %v", err)
	}
}

func TestAKeyIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.key")
	first, err := LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if again, err := LoadKey(path); err != nil || !bytes.Equal(first, again) {
		t.Fatalf("another key, %v", err)
	}
	if other, err := LoadKey(filepath.Join(t.TempDir(), "seal.key")); err != nil || bytes.Equal(first, other) {
		t.Fatalf("the same key elsewhere, %v", err)
	}
}

func TestAKeyThatIsNoneIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		size int
		mode os.FileMode
	}{"short": {KeySize - 1, 0o600}, "long": {KeySize + 1, 0o600}, "empty": {0, 0o600}, "read by others": {KeySize, 0o640}} {
		path := filepath.Join(t.TempDir(), "seal.key")
		if err := os.WriteFile(path, make([]byte, c.size), c.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKey(path); err == nil {
			t.Errorf("a key that is %s was taken", name)
		}
	}
	if _, err := New(make([]byte, 16), "sessions"); err == nil {
		t.Error("a short key made a box")
	}
	if _, err := LoadKey(filepath.Join(t.TempDir(), "nowhere", "seal.key")); err == nil {
		t.Error("a key was made in no directory")
	}
}

func FuzzOpen(f *testing.F) {
	b := box(f, 1, "sessions")
	f.Add(b.Seal(nil))
	f.Add([]byte{version})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if plain, err := b.Open(sealed); err == nil && len(plain) > len(sealed) {
			t.Error("more came out than went in")
		}
	})
}
