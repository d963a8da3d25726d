package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

// Changes implements [driver.Feed]. It reports the changes of every process that
// writes to the file. A write that changes nothing is not one. The newest
// 10,000 are kept until they are forgotten.
func (d *Driver) Changes(ctx context.Context, after int64, limit int) ([]driver.Change, error) {
	f, err := d.use(ctx)
	if err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	rows, err := f.readers.QueryContext(ctx, listChanges, after, max(0, limit))
	if err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	defer rows.Close()
	var changes []driver.Change
	for rows.Next() {
		c, err := scanChange(rows)
		if err != nil {
			return nil, fmt.Errorf("changes: %w", err)
		}
		changes = append(changes, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	return changes, nil
}

func scanChange(rows *sql.Rows) (driver.Change, error) {
	var c driver.Change
	var before, after sql.NullString
	var micro int64
	err := rows.Scan(&c.Sequence, &c.Key.Collection, &c.Key.ID, &before, &after, &micro)
	if err != nil {
		return driver.Change{}, err
	}
	c.Time = time.UnixMicro(micro).UTC()
	if c.Before, err = side(before); err != nil {
		return driver.Change{}, err
	}
	c.After, err = side(after)
	return c, err
}

// side decodes one side of a change, nil for NULL.
func side(s sql.NullString) (*driver.Document, error) {
	if !s.Valid {
		return nil, nil
	}
	var d driver.Document
	if err := json.Unmarshal([]byte(s.String), &d); err != nil {
		return nil, fmt.Errorf("decode change: %w", err)
	}
	return new(d.Clone()), nil
}

// Forget implements [driver.Feed].
func (d *Driver) Forget(ctx context.Context, upTo int64) error {
	if err := driver.Outside(ctx); err != nil {
		return fmt.Errorf("forget changes: %w", err)
	}
	f, err := d.use(ctx)
	if err != nil {
		return fmt.Errorf("forget changes: %w", err)
	}
	return f.write(ctx, func(w *writer) error { return w.exec(w.forget, upTo) })
}
