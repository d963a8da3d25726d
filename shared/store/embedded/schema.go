package embedded

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

// schemaVersion is the file's user_version after schema.
const schemaVersion = 1

// Times are microseconds since 1970 UTC. fields is the whole Index of a document
// as a JSON object, NULL for none, so that one row holds one document; labels
// repeats it for List. AUTOINCREMENT keeps a forgotten sequence number from
// being given out again.
const schema = `
CREATE TABLE documents (
	collection   TEXT NOT NULL,
	id           TEXT NOT NULL,
	body         TEXT NOT NULL,
	fields       TEXT,
	delete_after INTEGER,
	PRIMARY KEY (collection, id)
);
CREATE INDEX documents_delete_after ON documents (delete_after) WHERE delete_after IS NOT NULL;
CREATE TABLE labels (
	collection TEXT NOT NULL,
	field      TEXT NOT NULL,
	value      TEXT NOT NULL,
	id         TEXT NOT NULL,
	PRIMARY KEY (collection, field, value, id)
) WITHOUT ROWID;
CREATE TABLE changes (
	sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
	collection TEXT NOT NULL,
	id         TEXT NOT NULL,
	old        TEXT,
	new        TEXT,
	time       INTEGER NOT NULL
);
`

const (
	getDocument = `SELECT body, fields, delete_after FROM documents WHERE collection = ? AND id = ?`
	putDocument = `INSERT INTO documents (collection, id, body, fields, delete_after) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (collection, id) DO UPDATE
		SET body = excluded.body, fields = excluded.fields, delete_after = excluded.delete_after`
	deleteDocument = `DELETE FROM documents WHERE collection = ? AND id = ?`
	putLabel       = `INSERT INTO labels (collection, field, value, id) VALUES (?, ?, ?, ?)`
	deleteLabel    = `DELETE FROM labels WHERE collection = ? AND field = ? AND value = ? AND id = ?`

	listAll = `SELECT id, body, fields, delete_after FROM documents WHERE collection = ? AND id > ? ORDER BY id LIMIT ?`
	// CROSS JOIN keeps the order of the tables, so the labels are walked in
	// order of id and no more of them than the page needs.
	listByField = `SELECT d.id, d.body, d.fields, d.delete_after
		FROM labels AS l CROSS JOIN documents AS d ON d.collection = l.collection AND d.id = l.id
		WHERE l.collection = ? AND l.field = ? AND l.value = ? AND l.id > ? ORDER BY l.id LIMIT ?`
	listExpired = `SELECT collection, id FROM documents WHERE delete_after <= ? ORDER BY delete_after LIMIT ?`

	addChange   = `INSERT INTO changes (collection, id, old, new, time) VALUES (?, ?, ?, ?, ?)`
	listChanges = `SELECT sequence, collection, id, old, new, time FROM changes
		WHERE sequence > ? ORDER BY sequence LIMIT ?`
	forgetChanges = `DELETE FROM changes WHERE sequence <= ?`
)

// stored is a document as its row has it.
type stored struct {
	body        string
	fields      sql.NullString
	deleteAfter sql.NullInt64
}

func encode(d driver.Document) stored {
	r := stored{body: d.Body}
	if d.Index != nil {
		j, _ := json.Marshal(d.Index) // a map of strings always encodes
		r.fields = sql.NullString{String: string(j), Valid: true}
	}
	if !d.DeleteAfter.IsZero() {
		r.deleteAfter = sql.NullInt64{Int64: d.DeleteAfter.UnixMicro(), Valid: true}
	}
	return r
}

func (r stored) document() (driver.Document, error) {
	d := driver.Document{Body: r.body}
	if r.fields.Valid {
		if err := json.Unmarshal([]byte(r.fields.String), &d.Index); err != nil {
			return driver.Document{}, fmt.Errorf("decode index: %w: %w", driver.ErrMalformed, err)
		}
	}
	if r.deleteAfter.Valid {
		d.DeleteAfter = time.UnixMicro(r.deleteAfter.Int64).UTC()
	}
	return d, nil
}

// list decodes the rows of a List.
func list(collection string) func(rows *sql.Rows, err error) ([]driver.Record, error) {
	return func(rows *sql.Rows, err error) ([]driver.Record, error) {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", collection, err)
		}
		defer rows.Close()
		var records []driver.Record
		for rows.Next() {
			record, err := scan(rows, collection)
			if err != nil {
				return nil, fmt.Errorf("list %s: %w", collection, err)
			}
			records = append(records, record)
		}
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("list %s: %w", collection, err)
		}
		return records, nil
	}
}

func scan(rows *sql.Rows, collection string) (driver.Record, error) {
	k := driver.Key{Collection: collection}
	var r stored
	if err := rows.Scan(&k.ID, &r.body, &r.fields, &r.deleteAfter); err != nil {
		return driver.Record{}, err
	}
	d, _ := r.document() // without a body if it is malformed
	return driver.Record{Key: k, Document: d}, nil
}
