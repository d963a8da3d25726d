package embedded

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

func openTemp(t *testing.T) driver.Driver {
	return openIn(t, filepath.Join(t.TempDir(), "deep", "data"))
}

func openIn(t *testing.T, dir string) *Driver {
	t.Helper()
	d, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEmbeddedKeepsTheContract(t *testing.T) { storetest.Run(t, openTemp, nil) }

func TestEmbeddedFeedKeepsTheContract(t *testing.T) { storetest.RunFeed(t, openTemp) }

// A file that is not ours, or cannot be one, says nothing about documents (A8).
func TestBrokenFileIsNoVerdict(t *testing.T) {
	t.Parallel()
	storetest.RunFaults(t, map[string]func(t *testing.T) driver.Driver{
		"no database": func(t *testing.T) driver.Driver {
			dir := t.TempDir()
			noDatabase := []byte(strings.Repeat("not a database ", 500))
			if err := os.WriteFile(filepath.Join(dir, "postern.db"), noDatabase, 0o600); err != nil {
				t.Fatal(err)
			}
			return openIn(t, dir)
		},
		"no directory": func(t *testing.T) driver.Driver {
			file := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return openIn(t, file)
		},
		"tables gone": func(t *testing.T) driver.Driver {
			dir := t.TempDir()
			d := openIn(t, dir)
			create(t, d, "x", driver.Document{})
			if _, err := d.file.writing.ExecContext(t.Context(), "DROP TABLE documents"); err != nil {
				t.Fatal(err)
			}
			return d
		},
		"closed": func(t *testing.T) driver.Driver {
			d := openIn(t, t.TempDir())
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			return d
		},
	})
}

func key(id string) driver.Key { return driver.Key{Collection: "clients", ID: id} }

func create(t *testing.T, d driver.Driver, id string, doc driver.Document) {
	t.Helper()
	if err := d.Create(t.Context(), key(id), doc); err != nil {
		t.Fatalf("Create: got %v, want no error", err)
	}
}

func TestOpenerTakesADirectory(t *testing.T) {
	t.Parallel()
	d, err := Opener(t.Context(), t.TempDir())
	if _, ok := d.(*Driver); !ok || err != nil {
		t.Errorf("Opener: got %T, %v, want *embedded.Driver", d, err)
	}
	_, err = Opener(t.Context(), "")
	if err == nil || !strings.Contains(err.Error(), "embedded:DIR") {
		t.Errorf("Opener without a directory: got %v, want an error that says what to write", err)
	}
}

func TestOpeningTouchesNoFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	d := openIn(t, dir)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Open: got %v, want no directory", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("Close of what was never used: got %v, want no error", err)
	}
	if _, err := d.Get(t.Context(), key("x")); err == nil || errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Get after Close: got %v, want a failure that is not a verdict", err)
	}
}

func TestOnlyTheOwnerMayReadTheFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	d := openIn(t, dir)
	defer d.Close()
	create(t, d, "x", driver.Document{Body: "x"})
	for name, want := range map[string]os.FileMode{
		"": 0o700, "postern.db": 0o600, "postern.db-wal": 0o600, "postern.db-shm": 0o600,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%q: %v", name, err)
		} else if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %q: got %v, want %v", name, got, want)
		}
	}
}

func TestFailedOpeningIsTriedAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := openIn(t, dir)
	defer d.Close()
	if _, err := d.Get(t.Context(), key("x")); err == nil || errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Get with a file in the way: got %v, want a failure that is not a verdict", err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	create(t, d, "x", driver.Document{})
}

// A row that something else wrote says nothing about any other and hides none from a list.
func TestRowOfAnotherShapeConcernsNobodyElse(t *testing.T) {
	t.Parallel()
	d := openIn(t, t.TempDir())
	defer d.Close()
	create(t, d, "odd", driver.Document{Body: "sealed", Index: map[string]string{"owner": "me"}})
	create(t, d, "ours", driver.Document{Body: "sealed"})
	const spoil = "UPDATE documents SET fields = '{' WHERE id = 'odd'"
	if _, err := d.file.writing.ExecContext(t.Context(), spoil); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Get(t.Context(), key("odd")); !errors.Is(err, driver.ErrMalformed) {
		t.Errorf("Get: got %v, want ErrMalformed", err)
	}
	records, err := d.List(t.Context(), driver.Query{Collection: "clients", Limit: 9})
	if err != nil || len(records) != 2 || records[0].Document.Body != "" || records[1].Document.Body != "sealed" {
		t.Errorf("List: got %+v, %v, want both, the odd one without a body", records, err)
	}
}

func TestFileOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := openIn(t, dir)
	create(t, d, "x", driver.Document{})
	if _, err := d.file.writing.ExecContext(t.Context(), "PRAGMA user_version = 2"); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openIn(t, dir)
	defer d.Close()
	if _, err := d.Get(t.Context(), key("x")); err == nil || !strings.Contains(err.Error(), "format is 2") {
		t.Errorf("Get: got %v, want an error that names the format", err)
	}
}

func TestPathsWithOtherTextWork(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a b?c#d%20e&_pragma=f")
	d := openIn(t, dir)
	defer d.Close()
	create(t, d, "x", driver.Document{})
	if _, err := os.Stat(filepath.Join(dir, "postern.db")); err != nil {
		t.Errorf("database: %v, want it in the directory named", err)
	}
}

func TestWritesAreSyncedAndJournalled(t *testing.T) {
	t.Parallel()
	d := openIn(t, t.TempDir())
	defer d.Close()
	create(t, d, "x", driver.Document{})
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "busy_timeout": "10000"} {
		var got string
		if err := d.file.writing.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", pragma, got, err, want)
		}
	}
}

func TestDriversOfOneDirectoryShareTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := openIn(t, dir), openIn(t, dir)
	create(t, one, "x", driver.Document{Body: "x"})
	if got, err := two.Get(t.Context(), key("x")); err != nil || got.Body != "x" {
		t.Errorf("Get by the second: got %q, %v, want x", got.Body, err)
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	create(t, two, "y", driver.Document{})
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	filesMu.Lock()
	defer filesMu.Unlock()
	if got := files[dir]; got != nil {
		t.Errorf("after the last Close: got %+v, want no open file", got)
	}
}

func TestPanicInATransactionRollsBackAndUnlocks(t *testing.T) {
	t.Parallel()
	d := openIn(t, t.TempDir())
	defer d.Close()
	func() {
		defer func() { _ = recover() }()
		_ = d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
			_ = tx.Set(key("x"), driver.Document{})
			panic("a mistake")
		})
	}()
	create(t, d, "x", driver.Document{})
}

// A reader does not wait for the writer.
func TestReadInsideATransactionOfAnotherSeesTheState(t *testing.T) {
	t.Parallel()
	d := openIn(t, t.TempDir())
	defer d.Close()
	create(t, d, "x", driver.Document{Body: "before"})
	err := d.RunTransaction(t.Context(), func(ctx context.Context, tx driver.Tx) error {
		if err := tx.Set(key("x"), driver.Document{Body: "after"}); err != nil {
			return err
		}
		got, err := d.Get(ctx, key("x"))
		if got.Body != "before" {
			t.Errorf("Get during the transaction: got %q, want before", got.Body)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
