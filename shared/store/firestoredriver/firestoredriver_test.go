package firestoredriver

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/emulator"
	"github.com/postern-dev/postern/test/kit/storetest"
)

func TestMain(m *testing.M) { os.Exit(emulator.Run(m)) }

func openEmulated(t *testing.T) driver.Driver { return openProject(t, emulator.Project(t)) }

func openProject(t *testing.T, name string) *Driver {
	t.Helper()
	d, err := Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// client is Google's own client, in the database that d has.
func client(t *testing.T, d *Driver) *firestore.Client {
	t.Helper()
	c, err := firestore.NewClientWithDatabase(t.Context(), d.project, d.database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// The same contract as every driver, on the emulator (SC-22).
func TestFirestoreKeepsTheContract(t *testing.T) {
	emulator.Project(t) // skips here, once, where there is no emulator
	storetest.Run(t, openEmulated, &storetest.Options{Consumers: 4, GivesUp: true})
}

func TestNamedDatabasesAreApart(t *testing.T) {
	t.Parallel()
	project := emulator.Project(t)
	one, two := openProject(t, project), openProject(t, project+"/second-one")
	defer one.Close()
	defer two.Close()
	k := driver.Key{Collection: "clients", ID: "x"}
	if err := one.Create(t.Context(), k, driver.Document{Body: "x"}); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Get(t.Context(), k); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Get from the other database: got %v, want ErrNotFound", err)
	}
}

// What terraform configures by name: the TTL field and the fields without index.
func TestFieldsAreThoseThatTheDeploymentNames(t *testing.T) {
	t.Parallel()
	d := openProject(t, emulator.Project(t))
	defer d.Close()
	at := time.Date(2030, 1, 2, 3, 4, 5, 6000, time.UTC)
	k := driver.Key{Collection: "clients", ID: "x"}
	doc := driver.Document{Body: "sealed", Index: map[string]string{"owner": "me"}, DeleteAfter: at}
	if err := d.Create(t.Context(), k, doc); err != nil {
		t.Fatal(err)
	}
	snapshot, err := client(t, d).Collection("clients").Doc("x").Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"body": "sealed", "i_owner": "me", "delete_after": at}
	if diff := cmp.Diff(want, snapshot.Data()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

// A document that something else wrote says nothing about any other, hides no other from a
// list, and can be removed.
func TestDocumentOfAnotherShapeConcernsNobodyElse(t *testing.T) {
	startServer(t)
	d := openProject(t, "my-project")
	defer d.Close()
	client := client(t, d)
	for id, fields := range map[string]map[string]any{
		"no-body":    {"other": "x"},
		"odd-body":   {"body": 1},
		"odd-index":  {"body": "x", "i_owner": 1},
		"odd-expiry": {"body": "x", "delete_after": "tomorrow"},
	} {
		if _, err := client.Collection("clients").Doc(id).Set(t.Context(), fields); err != nil {
			t.Fatal(err)
		}
		_, err := d.Get(t.Context(), driver.Key{Collection: "clients", ID: id})
		if !errors.Is(err, driver.ErrMalformed) || errors.Is(err, driver.ErrNotFound) {
			t.Errorf("Get of %s: got %v, want ErrMalformed", id, err)
		}
	}
	ours := driver.Key{Collection: "clients", ID: "ours"}
	if err := d.Create(t.Context(), ours, driver.Document{Body: "sealed"}); err != nil {
		t.Fatal(err)
	}
	records, err := d.List(t.Context(), driver.Query{Collection: "clients", Limit: 9})
	if err != nil || len(records) != 5 {
		t.Fatalf("List: got %d records, %v, want all 5", len(records), err)
	}
	for _, r := range records {
		if want := map[bool]string{true: "sealed"}[r.Key.ID == "ours"]; r.Document.Body != want {
			t.Errorf("%s: got body %q, want %q", r.Key.ID, r.Document.Body, want)
		}
	}
	odd := driver.Key{Collection: "clients", ID: "odd-index"}
	err = d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		if _, err := tx.Get(odd); !errors.Is(err, driver.ErrMalformed) {
			t.Errorf("Tx.Get: got %v, want ErrMalformed", err)
		}
		return tx.Delete(odd)
	})
	if _, gone := d.Get(t.Context(), odd); err != nil || !errors.Is(gone, driver.ErrNotFound) {
		t.Errorf("Delete: got %v and then %v, want it gone", err, gone)
	}
}

// f's error goes out as it is and is not repeated, even if it looks like the
// keeper's own.
func TestRefusalThatLooksLikeContentionIsNotRepeated(t *testing.T) {
	t.Parallel()
	d := openProject(t, emulator.Project(t))
	defer d.Close()
	want := status.Error(codes.Aborted, "the caller's own")
	runs := 0
	got := d.RunTransaction(t.Context(), func(context.Context, driver.Tx) error {
		runs++
		return want
	})
	if got != want || runs != 1 {
		t.Errorf("RunTransaction: got %v after %d runs, want the function's own after 1", got, runs)
	}
}

func TestUnreachableFirestoreIsNoVerdict(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // it accepts and never answers
	t.Setenv(emulator.Variable, listener.Addr().String())
	d := openProject(t, "nobody-home")
	defer d.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	k := driver.Key{Collection: "clients", ID: "x"}
	_, get := d.Get(ctx, k)
	_, list := d.List(ctx, driver.Query{Collection: "clients", Limit: 1})
	create := d.Create(ctx, k, driver.Document{})
	transaction := d.RunTransaction(ctx, func(_ context.Context, tx driver.Tx) error { return tx.Delete(k) })
	for call, err := range map[string]error{"Get": get, "List": list, "Create": create, "RunTransaction": transaction} {
		if err == nil || errors.Is(err, driver.ErrNotFound) || errors.Is(err, driver.ErrExists) {
			t.Errorf("%s: got %v, want a failure that is not a verdict (A8)", call, err)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	for name, want := range map[string][2]string{
		"my-project":             {"my-project", firestore.DefaultDatabaseID},
		"my-project/(default)":   {"my-project", firestore.DefaultDatabaseID},
		"my-project/clients-eu":  {"my-project", "clients-eu"},
		"example.com:my-project": {"example.com:my-project", firestore.DefaultDatabaseID},
	} {
		d, err := open(name, none)
		if err != nil || d.project != want[0] || d.database != want[1] {
			t.Errorf("open(%q): got %+v, %v, want %v", name, d, err, want)
		}
	}
	for _, name := range []string{
		"", "/", "my-project/", "/clients", "my-project/a/b", "My Project", "my-project/X", "p?q",
		"-p", "p_q", "é", strings.Repeat("p", 100),
		"p/abc", "p/1abc", "p/abc-", "p/abc_d", "p/" + strings.Repeat("d", 64),
	} {
		if _, err := open(name, none); err == nil || !strings.Contains(err.Error(), "firestore:PROJECT") {
			t.Errorf("open(%q): got %v, want an error that says what to write", name, err)
		}
	}
}

func TestEmulatorIsRefusedOnCloudRun(t *testing.T) {
	t.Parallel()
	environment := map[string]string{"FIRESTORE_EMULATOR_HOST": "127.0.0.1:8080", "K_SERVICE": "token"}
	_, err := open("my-project", func(k string) string { return environment[k] })
	if err == nil || !strings.Contains(err.Error(), "FIRESTORE_EMULATOR_HOST") {
		t.Errorf("open: got %v, want an error that names the variable", err)
	}
	delete(environment, "K_SERVICE")
	if _, err := open("my-project", func(k string) string { return environment[k] }); err != nil {
		t.Errorf("open elsewhere: got %v, want no error", err)
	}
}

func TestDeployedFunctionsHaveThisDriver(t *testing.T) {
	t.Parallel()
	d, err := Openers.Open(t.Context(), "firestore:my-project/clients-eu")
	if _, ok := d.(*Driver); !ok || err != nil {
		t.Errorf("Openers.Open: got %T, %v, want *firestoredriver.Driver", d, err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("Close of what was never used: got %v, want no error", err)
	}
}

// A process that dies in the middle of a transaction keeps nobody waiting (SC-16). A reader
// that never goes on stands for it.
func TestUnfinishedTransactionHoldsNothing(t *testing.T) {
	t.Parallel()
	d := openProject(t, emulator.Project(t))
	defer d.Close()
	k := driver.Key{Collection: "grants", ID: "shared"}
	if err := d.Create(t.Context(), k, driver.Document{Body: "1"}); err != nil {
		t.Fatal(err)
	}
	stuck, release, done := make(chan bool), make(chan bool), make(chan error, 1)
	go func() {
		runs := 0
		done <- d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
			doc, err := tx.Get(k)
			if err != nil {
				return err
			}
			if runs++; runs == 1 {
				close(stuck)
				<-release
			}
			return tx.Set(k, driver.Document{Body: doc.Body + " dead"})
		})
	}()
	<-stuck
	err := d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		doc, err := tx.Get(k)
		if err != nil {
			return err
		}
		return tx.Set(k, driver.Document{Body: doc.Body + " alive", Index: map[string]string{"client": "c"}})
	})
	if err != nil {
		t.Errorf("beside an unfinished transaction: got %v, want success", err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Errorf("the late transaction: got %v, want it to run again", err)
	}
	got, err := d.Get(t.Context(), k)
	if want := (driver.Document{Body: "1 alive dead"}); err != nil || !got.Equal(want) {
		t.Errorf("got %+v, %v, want %+v: both writes, the second over the first", got, err, want)
	}
}
