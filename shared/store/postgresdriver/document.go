package postgresdriver

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-dev/postern/shared/store/driver"
)

// xmin is PostgreSQL's own mark of the transaction that wrote a row.
const (
	columns     = `d.id, d.body, d.fields::text, d.delete_after, d.xmin::text`
	getDocument = `SELECT ` + columns + ` FROM postern.documents AS d WHERE d.collection = $1 AND d.id = $2`
	listAll     = `SELECT ` + columns + ` FROM postern.documents AS d
		WHERE d.collection = $1 AND d.id > $2 ORDER BY d.id LIMIT $3`
	listByField = `SELECT ` + columns + `
		FROM postern.labels AS l JOIN postern.documents AS d ON d.collection = l.collection AND d.id = l.id
		WHERE l.collection = $1 AND l.id > $2 AND l.field = $4 AND l.value = $5 ORDER BY l.id LIMIT $3`
)

// A row is a document as PostgreSQL has it, in a table or in JSON.
type row struct {
	id          string
	Body        string          `json:"body"`
	Fields      json.RawMessage `json:"fields"` // an object, nil or null for none
	DeleteAfter *time.Time      `json:"delete_after"`
}

// scan reads a row of columns, and its mark.
func scan(rows pgx.Rows) (r row, mark string, err error) {
	var fields *string
	if err := rows.Scan(&r.id, &r.Body, &fields, &r.DeleteAfter, &mark); err != nil {
		return row{}, "", err
	}
	if fields != nil {
		r.Fields = json.RawMessage(*fields)
	}
	return r, mark, nil
}

// document decodes a row. One that this package did not write is driver.ErrMalformed.
func (r row) document() (driver.Document, error) {
	d := driver.Document{Body: r.Body}
	if len(r.Fields) > 0 {
		if err := json.Unmarshal(r.Fields, &d.Index); err != nil {
			return driver.Document{}, fmt.Errorf("decode index: %w: %w", driver.ErrMalformed, err)
		}
	}
	if r.DeleteAfter != nil {
		d.DeleteAfter = *r.DeleteAfter
	}
	return d.Clone(), nil
}
