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
	"regexp"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/postern-dev/postern/shared/store/driver"
)

// deadline bounds each call, a transaction with all its attempts included. The
// client's own reads have none.
const deadline = 10 * time.Second

// Openers are the drivers of a deployed function: this one.
var Openers = driver.Openers{"firestore": Opener}

// Opener is [Open] as a [driver.Opener].
func Opener(ctx context.Context, name string) (driver.Driver, error) { return Open(ctx, name) }

// A Driver is a [driver.Driver] over one Firestore database.
type Driver struct {
	project, database string

	mu     sync.Mutex
	client *firestore.Client // nil before the first use
	closed bool
}

var _ driver.Driver = (*Driver)(nil)

var errClosed = errors.New("firestore store is closed")

// Compiled on first use: a start with another store does not pay for them.
var (
	projectForm  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]{0,98}$`) })
	databaseForm = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$`)
	})
)

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
		database = firestore.DefaultDatabaseID
	}
	if !projectForm().MatchString(project) || !databaseForm().MatchString(database) {
		return nil, fmt.Errorf("store \"firestore:%s\": "+
			"want firestore:PROJECT or firestore:PROJECT/DATABASE, like firestore:my-project", name)
	}
	if getenv("FIRESTORE_EMULATOR_HOST") != "" && getenv("K_SERVICE") != "" {
		return nil, errors.New("FIRESTORE_EMULATOR_HOST is set on Cloud Run: " +
			"unset it; it replaces Firestore by a test program and sends no credentials")
	}
	return &Driver{project: project, database: database}, nil
}

// use returns the client. A failure to make it is not remembered.
func (d *Driver) use() (*firestore.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed
	}
	if d.client == nil {
		// Not a request's context: the client outlives the request that came first.
		client, err := firestore.NewClientWithDatabase(context.Background(), d.project, d.database)
		if err != nil {
			return nil, fmt.Errorf("make firestore client: %w", err)
		}
		d.client = client
	}
	return d.client, nil
}

// document returns the reference of k.
func (d *Driver) document(k driver.Key) (*firestore.DocumentRef, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	client, err := d.use()
	if err != nil {
		return nil, err
	}
	return client.Collection(k.Collection).Doc(k.ID), nil
}

// Get implements [driver.Driver].
func (d *Driver) Get(ctx context.Context, k driver.Key) (driver.Document, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	snapshot, err := d.lookUp(ctx, k)
	if err != nil {
		return driver.Document{}, err
	}
	return found(k, snapshot)
}

// lookUp reads the document at k, nil if it is not there: the answer lists it as
// missing. The status NOT_FOUND never says that. (DocumentRef.Get makes one of a missing
// document, and so makes it look like a missing database.)
func (d *Driver) lookUp(ctx context.Context, k driver.Key) (*firestore.DocumentSnapshot, error) {
	ref, err := d.document(k)
	if err != nil {
		return nil, err
	}
	client, err := d.use()
	if err != nil {
		return nil, err
	}
	snapshots, err := client.GetAll(ctx, []*firestore.DocumentRef{ref})
	if err != nil {
		return nil, fmt.Errorf("get from %s: %w", k.Collection, d.fault(err))
	}
	if !snapshots[0].Exists() {
		return nil, nil
	}
	return snapshots[0], nil
}

// found returns the document that a look at k found, or ErrNotFound.
func found(k driver.Key, snapshot *firestore.DocumentSnapshot) (driver.Document, error) {
	if snapshot == nil {
		return driver.Document{}, fmt.Errorf("get from %s: %w", k.Collection, driver.ErrNotFound)
	}
	return decode(snapshot)
}

// Create implements [driver.Driver]. ErrExists may mean that its own first try
// succeeded; see the package comment.
func (d *Driver) Create(ctx context.Context, k driver.Key, doc driver.Document) error {
	if err := driver.Outside(ctx); err != nil {
		return fmt.Errorf("create in %s: %w", k.Collection, err)
	}
	if err := doc.Check(); err != nil {
		return err
	}
	ref, err := d.document(k)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	if _, err := ref.Create(ctx, encode(doc)); err != nil {
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
	snapshots, err := query(client, q).Documents(ctx).GetAll()
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", q.Collection, d.fault(err))
	}
	var records []driver.Record
	for _, s := range snapshots {
		doc, _ := decode(s) // without a body if it is malformed
		records = append(records, driver.Record{Key: driver.Key{Collection: q.Collection, ID: s.Ref.ID}, Document: doc})
	}
	return records, nil
}

func query(client *firestore.Client, q driver.Query) firestore.Query {
	query := client.Collection(q.Collection).OrderBy(firestore.DocumentID, firestore.Asc).Limit(q.Limit)
	if q.Field != "" {
		query = query.Where(indexPrefix+q.Field, "==", q.Value)
	}
	if q.After != "" {
		query = query.StartAfter(q.After)
	}
	return query
}

// Close implements [driver.Driver]. Later calls of other methods fail.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	client := d.client
	d.client, d.closed = nil, true
	if client == nil {
		return nil
	}
	return client.Close()
}

const (
	bodyField        = "body"
	deleteAfterField = "delete_after"
	indexPrefix      = "i_"
)

// encode returns the fields of d.
func encode(d driver.Document) map[string]any {
	d = d.Clone()
	fields := map[string]any{bodyField: d.Body}
	for name, value := range d.Index {
		fields[indexPrefix+name] = value
	}
	if !d.DeleteAfter.IsZero() {
		fields[deleteAfterField] = d.DeleteAfter
	}
	return fields
}

// decode returns the document of a snapshot. One that this package did not write is
// driver.ErrMalformed.
func decode(s *firestore.DocumentSnapshot) (driver.Document, error) {
	fields := s.Data()
	body, ok := fields[bodyField].(string)
	if !ok {
		return driver.Document{}, malformed(s, bodyField, "a string")
	}
	d := driver.Document{Body: body, Index: map[string]string{}}
	if value, there := fields[deleteAfterField]; there {
		if d.DeleteAfter, ok = value.(time.Time); !ok {
			return driver.Document{}, malformed(s, deleteAfterField, "a timestamp")
		}
	}
	for field, value := range fields {
		name, labelled := strings.CutPrefix(field, indexPrefix)
		if !labelled {
			continue
		}
		if d.Index[name], ok = value.(string); !ok {
			return driver.Document{}, malformed(s, field, "a string")
		}
	}
	return d.Clone(), nil
}

// malformed is the error of a document with a field that is not what we write.
func malformed(s *firestore.DocumentSnapshot, field, want string) error {
	collection := s.Ref.Parent.ID
	return fmt.Errorf("decode document of %s: field %s is not %s: %w", collection, field, want, driver.ErrMalformed)
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
