package firestoredriver

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/emulator"
	"github.com/postern-dev/postern/test/kit/firestoretest"
	"github.com/postern-dev/postern/test/kit/storetest"
)

// startServer starts a Firestore that can fail, for the drivers that the test opens.
func startServer(t *testing.T) *firestoretest.Server {
	t.Helper()
	s := firestoretest.Start(t)
	t.Setenv(emulator.Variable, s.Address)
	return s
}

// The server that fails keeps the contract while it does not, so that what is shown with it
// counts.
func TestServerThatCanFailKeepsTheContract(t *testing.T) {
	startServer(t)
	storetest.Run(t, func(t *testing.T) driver.Driver {
		return openProject(t, "p-"+strings.ToLower(strings.Map(letters, t.Name())))
	}, &storetest.Options{Consumers: 4, GivesUp: true})
}

// letters leaves of a test's name what a project may be called.
func letters(r rune) rune {
	if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
		return r
	}
	return -1
}

// Only a document that was looked up and is not there is not found, whatever status
// Firestore answers with: NOT_FOUND is about the database (A8).
func TestNoStatusIsAVerdict(t *testing.T) {
	s := startServer(t)
	faults := map[string]func(t *testing.T) driver.Driver{}
	for _, code := range []codes.Code{
		codes.NotFound, codes.PermissionDenied, codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded,
		codes.Aborted, codes.Unauthenticated, codes.FailedPrecondition, codes.Internal, codes.Unknown,
	} {
		project := "p-" + strings.ToLower(code.String())
		s.Fail(project, status.Error(code, "as the real one says it"))
		faults[code.String()] = func(t *testing.T) driver.Driver { return impatient{openProject(t, project)} }
	}
	storetest.RunFaults(t, faults)
}

// impatient gives up sooner than a request does: the client tries some faults again
// until the deadline.
type impatient struct{ *Driver }

const patience = 300 * time.Millisecond

func (d impatient) Create(ctx context.Context, k driver.Key, doc driver.Document) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return d.Driver.Create(ctx, k, doc)
}

func (d impatient) RunTransaction(ctx context.Context, f func(context.Context, driver.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return d.Driver.RunTransaction(ctx, f)
}

// An operator reads which database was looked for, and what to do.
func TestMissingDatabaseIsNamed(t *testing.T) {
	s := startServer(t)
	s.Fail("my-project", status.Error(codes.NotFound, "The database typo does not exist for project my-project"))
	d := openProject(t, "my-project/typo")
	defer d.Close()
	k := driver.Key{Collection: "clients", ID: "x"}
	_, get := d.Get(t.Context(), k)
	_, list := d.List(t.Context(), driver.Query{Collection: "clients", Limit: 1})
	create := d.Create(t.Context(), k, driver.Document{})
	set := func(_ context.Context, tx driver.Tx) error { return tx.Set(k, driver.Document{}) }
	transaction := d.RunTransaction(t.Context(), set)
	for call, err := range map[string]error{"Get": get, "List": list, "Create": create, "RunTransaction": transaction} {
		if !errors.Is(err, driver.ErrNoDatabase) {
			t.Fatalf("%s: got %v, want ErrNoDatabase", call, err)
		}
		for _, want := range []string{`"typo"`, `"my-project"`, "correct STORE", "create the database"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %q, want it to say %s", call, err, want)
			}
		}
	}
}

// A document that was read and is gone at the commit makes Firestore say NOT_FOUND as well:
// the function runs again and looks.
func TestDocumentGoneBeforeTheCommitIsLookedUpAgain(t *testing.T) {
	s := startServer(t)
	d := openProject(t, "my-project")
	defer d.Close()
	k := driver.Key{Collection: "clients", ID: "x"}
	if err := d.Create(t.Context(), k, driver.Document{Body: "here"}); err != nil {
		t.Fatal(err)
	}
	s.BeforeCommit(func() {
		err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error { return tx.Delete(k) })
		if err != nil {
			t.Error(err)
		}
	})
	var seen []error
	err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		_, err := tx.Get(k)
		seen = append(seen, err)
		if err != nil {
			return err
		}
		return tx.Set(k, driver.Document{Body: "changed"})
	})
	if !errors.Is(err, driver.ErrNotFound) || len(seen) != 2 || seen[0] != nil {
		t.Errorf("got %v after reads that gave %v, want a second read that finds nothing", err, seen)
	}
}

// The database goes away between a read and the commit: the second look says so.
func TestDatabaseGoneBeforeTheCommitIsAFault(t *testing.T) {
	s := startServer(t)
	d := openProject(t, "my-project")
	defer d.Close()
	k := driver.Key{Collection: "clients", ID: "x"}
	if err := d.Create(t.Context(), k, driver.Document{Body: "here"}); err != nil {
		t.Fatal(err)
	}
	missing := status.Error(codes.NotFound, "The database (default) does not exist")
	s.BeforeCommit(func() { s.Fail("my-project", missing) })
	err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		if _, err := tx.Get(k); err != nil {
			return err
		}
		return tx.Set(k, driver.Document{Body: "changed"})
	})
	if !errors.Is(err, driver.ErrNoDatabase) || errors.Is(err, driver.ErrNotFound) {
		t.Errorf("got %v, want ErrNoDatabase", err)
	}
}
