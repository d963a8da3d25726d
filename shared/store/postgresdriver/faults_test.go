package postgresdriver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/test/kit/freeport"
	"github.com/postern-dev/postern/test/kit/postgres"
	"github.com/postern-dev/postern/test/kit/storetest"
)

// A server that cannot answer, or must not be believed, says nothing about documents.
func TestFaultsAreNoVerdicts(t *testing.T) {
	s := postgres.Start(t)
	standby := s.Standby(t)
	url := migrated(t, s)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // it accepts and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	at := func(address string) func(t *testing.T) driver.Driver {
		return func(t *testing.T) driver.Driver {
			return impatient{open(t, strings.Replace(url, s.Address(), address, 1))}
		}
	}
	faults := map[string]func(t *testing.T) driver.Driver{
		"nobody listens":   at(freeport.Addresses(t, 1)[0]),
		"nobody answers":   at(silent.Addr().String()),
		"a standby":        at(standby.Address()),
		"no such database": func(t *testing.T) driver.Driver { return open(t, s.URL("typo")) },
		"no such role": func(t *testing.T) driver.Driver {
			return open(t, strings.Replace(url, postgres.User+"@", "nobody@", 1))
		},
		"too many connections": func(t *testing.T) driver.Driver {
			s.Exec(t, "postgres", "CREATE ROLE crowd LOGIN CONNECTION LIMIT 0")
			return open(t, strings.Replace(url, postgres.User+"@", "crowd@", 1))
		},
	}
	storetest.RunFaults(t, faults)
}

// impatient gives up sooner than a request does.
type impatient struct{ *Driver }

const patience = 500 * time.Millisecond

func (d impatient) Get(ctx context.Context, k driver.Key) (driver.Document, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return d.Driver.Get(ctx, k)
}

func (d impatient) List(ctx context.Context, q driver.Query) ([]driver.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return d.Driver.List(ctx, q)
}

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

func TestMissingDatabaseIsNamed(t *testing.T) {
	d := open(t, postgres.Shared(t).URL("typo"))
	defer d.Close()
	_, err := d.Get(t.Context(), key("x"))
	if !errors.Is(err, driver.ErrNoDatabase) || !strings.Contains(err.Error(), `"typo"`) {
		t.Errorf("got %v, want ErrNoDatabase that names it", err)
	}
}

// through returns a driver that works through a proxy, with a first document in its database.
func through(t *testing.T) (d *Driver, p *postgres.Proxy, url string) {
	t.Helper()
	s := postgres.Shared(t)
	url = migrated(t, s)
	p = postgres.NewProxy(t, s)
	d = open(t, p.URL(t, url))
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Create(t.Context(), key("first"), driver.Document{Body: "1"}); err != nil {
		t.Fatal(err)
	}
	return d, p, url
}

// change sets one document, makes another and deletes a third, which need not be there.
func change(t *testing.T, d *Driver) error {
	return d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		doc, err := tx.Get(key("first"))
		if err != nil {
			return err
		}
		doc.Body += " changed"
		return errors.Join(tx.Set(key("first"), doc), tx.Create(key("second"), doc), tx.Delete(key("third")))
	})
}

func wantBody(t *testing.T, d *Driver, id, want string) {
	t.Helper()
	got, err := d.Get(t.Context(), key(id))
	if errors.Is(err, driver.ErrNotFound) {
		err = nil
	}
	if err != nil || got.Body != want {
		t.Errorf("%s: got %q, %v, want %q", id, got.Body, err, want)
	}
}

// The answer to a commit is lost after it was done: that is found out, and it is not done twice.
func TestLostAnswerIsLookedUp(t *testing.T) {
	d, p, _ := through(t)
	p.Lose(postgres.Answer, "postern.write", 1)
	if err := change(t, d); err != nil || p.Left() != 0 {
		t.Errorf("got %v, %d answers left to lose; want none, it was done", err, p.Left())
	}
	wantBody(t, d, "first", "1 changed")
	wantBody(t, d, "second", "1 changed")
	p.Lose(postgres.Answer, "postern.write", 1)
	if err := d.Create(t.Context(), key("fourth"), driver.Document{Body: "4"}); err != nil {
		t.Errorf("Create: got %v, want no error, it was done", err)
	}
}

// The connection breaks while the commit waits for another writer: what becomes of it is
// awaited, not guessed.
func TestCommitInTheMiddleIsAwaited(t *testing.T) {
	d, p, url := through(t)
	other, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.Background())
	tx, err := other.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT FROM postern.documents FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	const attempts = `SELECT count(*) = %d FROM pg_locks WHERE locktype = 'advisory' AND database =
		(SELECT oid FROM pg_database WHERE datname = current_database())`
	p.Lose(postgres.Line, "postern.write", 1)
	done := make(chan error)
	go func() { done <- change(t, d) }()
	await(t, other, fmt.Sprintf(attempts, 1)) // it waits for the row
	p.Cut()
	await(t, other, fmt.Sprintf(attempts, 2)) // and who looks it up waits for it
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("got %v, want no error: it happened after all", err)
	}
	wantBody(t, d, "first", "1 changed")
}

// await waits until a question is answered with yes.
func await(t *testing.T, conn *pgx.Conn, question string) {
	t.Helper()
	for yes := false; !yes; {
		if err := conn.QueryRow(t.Context(), question).Scan(&yes); err != nil {
			t.Fatal(err)
		}
	}
}

// A commit that never arrived is a fault, and nothing was written.
func TestLostCommitIsAFault(t *testing.T) {
	d, p, _ := through(t)
	p.Lose(postgres.Message, "postern.write", 1)
	err := change(t, d)
	if err == nil || errors.Is(err, driver.ErrNotFound) || errors.Is(err, driver.ErrExists) {
		t.Errorf("got %v, want an error that says nothing about a document", err)
	}
	wantBody(t, d, "first", "1")
	wantBody(t, d, "second", "")
}

// A connection that broke is replaced, and a read is made again.
func TestReadIsMadeAgain(t *testing.T) {
	d, p, _ := through(t)
	p.Lose(postgres.Message, "d.collection = ", 1)
	wantBody(t, d, "first", "1")
	if p.Left() != 0 {
		t.Error("nothing was lost")
	}
}

// Every call has its end at the server, whoever lends the connection.
func TestCallsEndAtTheServer(t *testing.T) {
	s := postgres.Shared(t)
	d := open(t, postgres.Bounced(t, s)(migrated(t, s)))
	defer d.Close()
	var timeout string
	err := d.once(t.Context(), func(rows pgx.Rows) error { return rows.Scan(&timeout) },
		"SELECT current_setting('statement_timeout')")
	if err != nil || timeout != "8s" {
		t.Errorf("statement_timeout: got %q, %v, want 8s", timeout, err)
	}
	// Nothing of it stays in the session.
	conn, err := pgx.Connect(t.Context(), strings.Replace(d.config.url, "sslmode=disable", "sslmode=disable&"+
		"default_query_exec_mode=exec", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), "SHOW statement_timeout").Scan(&timeout); err != nil || timeout != "0" {
		t.Errorf("statement_timeout after the call: got %q, %v, want 0", timeout, err)
	}
}

// A row that something else wrote says nothing about any other, hides no other from a list, and
// can be removed.
func TestRowOfAnotherShapeConcernsNobodyElse(t *testing.T) {
	s := postgres.Shared(t)
	url := migrated(t, s)
	s.Exec(t, databaseOf(url), "INSERT INTO postern.documents VALUES "+
		`('clients', 'odd', 'x', '{"owner": 1}', NULL), ('clients', 'ours', 'sealed', NULL, NULL)`)
	d := open(t, url)
	defer d.Close()
	if _, err := d.Get(t.Context(), key("odd")); !errors.Is(err, driver.ErrMalformed) {
		t.Errorf("Get: got %v, want ErrMalformed", err)
	}
	records, err := d.List(t.Context(), driver.Query{Collection: "clients", Limit: 9})
	if err != nil || len(records) != 2 || records[0].Document.Body != "" || records[1].Document.Body != "sealed" {
		t.Errorf("List: got %v, %v, want both, one of them without a body", records, err)
	}
	err = d.RunTransaction(t.Context(), func(_ context.Context, tx driver.Tx) error {
		if _, err := tx.Get(key("odd")); !errors.Is(err, driver.ErrMalformed) {
			t.Errorf("Tx.Get: got %v, want ErrMalformed", err)
		}
		return tx.Delete(key("odd"))
	})
	if _, gone := d.Get(t.Context(), key("odd")); err != nil || !errors.Is(gone, driver.ErrNotFound) {
		t.Errorf("Delete: got %v and then %v, want it gone", err, gone)
	}
}
