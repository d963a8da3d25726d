package fernet

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A vector is one row of the specification's files; testdata/README.md has
// their source.
type vector struct {
	Desc   string
	Token  string
	Now    time.Time
	IV     []int
	Src    string
	Secret string
}

func vectors(t *testing.T, name string) []vector {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var rows []vector
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no rows", name)
	}
	return rows
}

func (v vector) ring(t *testing.T) Keyring {
	t.Helper()
	ring, err := ParseKeyring([]byte(v.Secret))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestGenerateVectorsComeOutByteForByte(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t, "generate.json") {
		var iv [16]byte
		for i, b := range v.IV {
			iv[i] = byte(b)
		}
		if got := v.ring(t)[0].encrypt([]byte(v.Src), v.Now, iv); got != v.Token {
			t.Errorf("got %s, want %s", got, v.Token)
		}
	}
}

func TestVerifyVectorsOpen(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t, "verify.json") {
		got, _, err := v.ring(t).Decrypt(v.Token)
		if err != nil || !bytes.Equal(got, []byte(v.Src)) {
			t.Errorf("got %q, %v, want %q", got, err, v.Src)
		}
	}
}

// The two rows about time open, because age is not judged here (SC-04).
func TestInvalidVectorsAreRefusedExceptForAge(t *testing.T) {
	t.Parallel()
	age := map[string]bool{"far-future TS (unacceptable clock skew)": true, "expired TTL": true}
	for _, v := range vectors(t, "invalid.json") {
		got, key, err := v.ring(t).Decrypt(v.Token)
		if age[v.Desc] {
			if err != nil || string(got) != "" { // their plaintext is empty
				t.Errorf("%s: got %q, %v, want it to open", v.Desc, got, err)
			}
			continue
		}
		if !errors.Is(err, ErrInvalid) || key != -1 || got != nil {
			t.Errorf("%s: got %q, %d, %v, want ErrInvalid", v.Desc, got, key, err)
		}
	}
}
