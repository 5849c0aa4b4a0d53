// Package seal hides and protects what the core leaves with others, such as what
// plugin processes keep of its sessions: nobody without the key reads it, makes it
// or changes it unnoticed. Its main type is Box.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	// KeySize is the length of a key in bytes: AES-256.
	KeySize = 32

	version = 1
)

// ErrSeal says that something was not sealed by this key for this purpose, or was
// changed since.
var ErrSeal = errors.New("seal: not sealed by this key for this purpose, or changed")

// Box seals for one purpose. It may be used by several goroutines at once.
type Box struct {
	aead    cipher.AEAD // immutable
	purpose []byte      // immutable
}

// New returns a box. What was sealed for one purpose cannot be opened for another.
func New(key []byte, purpose string) (*Box, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("seal: a key of %d bytes, must be %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return &Box{aead: aead, purpose: append([]byte{version}, purpose...)}, nil
}

// Seal returns plain sealed, in memory of its own: a version, a random nonce, what
// is hidden, and its tag.
func (b *Box) Seal(plain []byte) []byte {
	out := make([]byte, 1, 1+len(plain)+b.aead.Overhead())
	out[0] = version
	return b.aead.Seal(out, nil, plain, b.purpose)
}

// Open returns what was sealed, in memory of its own. The error is ErrSeal.
func (b *Box) Open(sealed []byte) ([]byte, error) {
	if len(sealed) < 1 || sealed[0] != version {
		return nil, ErrSeal
	}
	plain, err := b.aead.Open(nil, nil, sealed[1:], b.purpose)
	if err != nil {
		return nil, ErrSeal
	}
	return plain, nil
}

// LoadKey reads the key in a file that only its owner may read, and makes one where
// there is none. It is whole on disk when LoadKey returns.
func LoadKey(path string) ([]byte, error) {
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	return key, err
}

func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return nil, fmt.Errorf("seal: key %s can be used by others (mode %v), make it 0600", path, info.Mode().Perm())
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if len(key) != KeySize {
		return nil, fmt.Errorf("seal: key %s has %d bytes, must be %d; without it a new one is made, and who is connected through plugin processes has to connect again", path, len(key), KeySize)
	}
	return key, nil
}

// makeKey writes a new key beside its place and moves it there, so that a crash
// leaves a whole one or none.
func makeKey(path string) ([]byte, error) {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // It does not fail.
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if err := writeKey(temporary, key); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return key, syncDirectory(filepath.Dir(path))
}

func writeKey(path string, key []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(key)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return nil
}
