package toolbox

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEqualContentGivesEqualPackages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	read := func(name, content string) []byte {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := Package(path, content); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if !bytes.Equal(read("a.zip", "token"), read("b.zip", "token")) {
		t.Error("two packages with equal content differ")
	}
	if bytes.Equal(read("a.zip", "token"), read("b.zip", "another")) {
		t.Error("two packages with different content are equal")
	}
}

func TestWhatIsMissingIsNamedWithHowToGetIt(t *testing.T) {
	t.Parallel()
	_, err := Need("no-such-program-here", "get it there")
	if err == nil || !strings.Contains(err.Error(), "no-such-program-here is not installed: get it there") {
		t.Errorf("got %v", err)
	}
}

func TestTheCacheKeyFollowsTheFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "go.sum")
	write := func(s string) string {
		t.Helper()
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := keyOf(path)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	one := write("one")
	if two := write("two"); one == two {
		t.Errorf("another go.sum has the same key %s", one)
	}
	if again := write("one"); one != again {
		t.Errorf("the same go.sum has keys %s and %s", one, again)
	}
	if _, err := keyOf(path + ".missing"); err == nil {
		t.Error("a missing file has a key")
	}
}

func TestTheTreeIsFoundFromInside(t *testing.T) {
	t.Parallel()
	box, err := Open(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(box.Root, "tools", "tfcheck", "go.mod")); err != nil {
		t.Errorf("root %s: %v", box.Root, err)
	}
}
