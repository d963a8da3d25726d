// Package firestoredriver keeps documents in Firestore (Native mode), for the
// STORE setting "firestore:PROJECT" or "firestore:PROJECT/DATABASE".
//
// One document per record, at collection/id, with these fields:
//
//	body           string, the sealed record; needs no index
//	i_<name>       string, one for each index value; single-field index
//	delete_after   timestamp, absent for never; the collection's TTL field, needs no index
//
// [Driver.List] orders by document name with at most one equality, which the
// automatic ascending single-field indexes answer; no composite index is needed.
//
// # Lost answers
//
// The client repeats a request whose answer was lost. So Create may return
// driver.ErrExists because of its own first try: a caller with a random id may read
// the document back, or take a new id. A transaction whose commit was lost, too,
// may end with driver.ErrExists or run its function again over its own writes: the
// store recognises those.
package firestoredriver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/postern-dev/postern/shared/store/driver"
)

// deadline bounds each call, a transaction with all its attempts included.
const deadline = 10 * time.Second

// Openers are the drivers of a deployed function: this one.
var Openers = driver.Openers{"firestore": Opener}

// Opener is [Open] as a [driver.Opener].
func Opener(ctx context.Context, name string) (driver.Driver, error) { return Open(ctx, name) }

// A Driver is a [driver.Driver] over one Firestore database.
type Driver struct {
	project, database string

	mu     sync.Mutex
	conn   *grpc.ClientConn // nil before the first use
	closed bool
}

var _ driver.Driver = (*Driver)(nil)

var errClosed = errors.New("firestore store is closed")

const defaultDatabase = "(default)"

const alphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789"

// isProject reports whether s may be the id of a project, like my-project or example.com:my-project.
func isProject(s string) bool {
	return s != "" && len(s) < 100 && strings.TrimLeft(s[:1], alphanumeric) == "" &&
		strings.TrimLeft(s, alphanumeric+".:-") == ""
}

// isDatabase reports whether s may be the id of a database: 4 to 63 characters, of which the
// first is a letter and the last no hyphen.
func isDatabase(s string) bool {
	return s == defaultDatabase || 4 <= len(s) && len(s) <= 63 && 'a' <= s[0] && s[0] <= 'z' &&
		!strings.HasSuffix(s, "-") && strings.TrimLeft(s, alphanumeric+"-") == ""
}

// Open returns the store that name describes, PROJECT or PROJECT/DATABASE. It does
// no network I/O; the first use connects. With FIRESTORE_EMULATOR_HOST set the
// client speaks to an emulator without TLS and without credentials, so Open refuses
// that where K_SERVICE says that this is Cloud Run.
func Open(_ context.Context, name string) (*Driver, error) {
	return open(name, os.Getenv)
}

func open(name string, getenv func(string) string) (*Driver, error) {
	project, database, named := strings.Cut(name, "/")
	if !named {
		database = defaultDatabase
	}
	if !isProject(project) || !isDatabase(database) {
		return nil, fmt.Errorf("store \"firestore:%s\": "+
			"want firestore:PROJECT or firestore:PROJECT/DATABASE, like firestore:my-project", name)
	}
	if getenv(emulatorVariable) != "" && getenv("K_SERVICE") != "" {
		return nil, errors.New("FIRESTORE_EMULATOR_HOST is set on Cloud Run: " +
			"unset it; it replaces Firestore by a test program and sends no credentials")
	}
	return &Driver{project: project, database: database}, nil
}

// use returns the client. A failure to make it is not remembered.
func (d *Driver) use() (firestorepb.FirestoreClient, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed
	}
	if d.conn == nil {
		conn, err := connect()
		if err != nil {
			return nil, fmt.Errorf("connect to firestore: %w", err)
		}
		d.conn = conn
	}
	return firestorepb.NewFirestoreClient(d.conn), nil
}

// Get implements [driver.Driver].
func (d *Driver) Get(ctx context.Context, k driver.Key) (driver.Document, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	document, err := d.lookUp(ctx, k)
	if err != nil {
		return driver.Document{}, err
	}
	return found(k, document)
}

// lookUp reads the document at k, nil if it is not there: the answer lists it as
// missing. The status NOT_FOUND never says that.
func (d *Driver) lookUp(ctx context.Context, k driver.Key) (*firestorepb.Document, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	client, err := d.use()
	if err != nil {
		return nil, err
	}
	name := d.document(k)
	request := &firestorepb.BatchGetDocumentsRequest{Database: d.root(), Documents: []string{name}}
	answers, err := read(d.outgoing(ctx), request, client.BatchGetDocuments)
	if err != nil {
		return nil, fmt.Errorf("get from %s: %w", k.Collection, d.fault(err))
	}
	for _, a := range answers {
		if document := a.GetFound(); document.GetName() == name {
			return document, nil
		} else if a.GetMissing() == name {
			return nil, nil
		}
	}
	return nil, fmt.Errorf("get from %s: the answer does not say whether the document is there", k.Collection)
}

// found returns the document that a look at k found, or ErrNotFound.
func found(k driver.Key, document *firestorepb.Document) (driver.Document, error) {
	if document == nil {
		return driver.Document{}, fmt.Errorf("get from %s: %w", k.Collection, driver.ErrNotFound)
	}
	return decode(k.Collection, document)
}

// Create implements [driver.Driver]. ErrExists may mean that its own first try
// succeeded; see the package comment.
func (d *Driver) Create(ctx context.Context, k driver.Key, doc driver.Document) error {
	if err := driver.Outside(ctx); err != nil {
		return fmt.Errorf("create in %s: %w", k.Collection, err)
	}
	if err := errors.Join(k.Check(), doc.Check()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	if err := d.commit(ctx, set(d.document(k), doc, absent)); err != nil {
		if status.Code(err) == codes.AlreadyExists {
			return fmt.Errorf("create in %s: %w", k.Collection, driver.ErrExists)
		}
		return fmt.Errorf("create in %s: %w", k.Collection, d.fault(err))
	}
	return nil
}

// List implements [driver.Driver].
func (d *Driver) List(ctx context.Context, q driver.Query) ([]driver.Record, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	client, err := d.use()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	request := &firestorepb.RunQueryRequest{
		Parent:    d.root() + "/documents",
		QueryType: &firestorepb.RunQueryRequest_StructuredQuery{StructuredQuery: d.query(q)},
	}
	answers, err := read(d.outgoing(ctx), request, client.RunQuery)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", q.Collection, d.fault(err))
	}
	var records []driver.Record
	for _, a := range answers {
		if a.GetDocument() == nil {
			continue // it says how far the search is
		}
		doc, _ := decode(q.Collection, a.GetDocument()) // without a body if it is malformed
		key := driver.Key{Collection: q.Collection, ID: path.Base(a.GetDocument().GetName())}
		records = append(records, driver.Record{Key: key, Document: doc})
	}
	return records, nil
}

// commit writes all or nothing. A fault that may pass is tried again as long as ctx lasts.
func (d *Driver) commit(ctx context.Context, writes ...*firestorepb.Write) error {
	client, err := d.use()
	if err != nil {
		return err
	}
	ctx = d.outgoing(ctx)
	request := &firestorepb.CommitRequest{Database: d.root(), Writes: writes}
	return patiently(ctx, 0, []codes.Code{codes.Unavailable, codes.ResourceExhausted}, func() error {
		_, err := client.Commit(ctx, request)
		return err
	})
}

// Close implements [driver.Driver]. Later calls of other methods fail.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	conn := d.conn
	d.conn, d.closed = nil, true
	if conn == nil {
		return nil
	}
	return conn.Close()
}

// fault is an error of Firestore's as a failure to look. A NOT_FOUND that is not about
// the document of a conditional write is about the database, and says what to do.
func (d *Driver) fault(err error) error {
	if status.Code(err) != codes.NotFound {
		return err
	}
	return fmt.Errorf("%w: Firestore has no database %q in project %q: "+
		"correct STORE, or create the database (terraform apply does): %w",
		driver.ErrNoDatabase, d.database, d.project, err)
}
