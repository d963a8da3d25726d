package fastmcp

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// database is diskcache's file; its last writes may still be in the log beside it.
const database = "cache.db"

// readDisk reads the store of diskcache in dir: a table of keys with short values in it and
// long ones in files. Reading SQLite's file where it is would leave traces beside it, so a
// copy is read.
func readDisk(ctx context.Context, dir, asked string) ([]document, error) {
	at, err := os.MkdirTemp("", "postern-import-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(at)
	if err := copyQuiet(dir, at); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", filepath.Join(at, database))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := cacheRows(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("%s is not a store of diskcache, or is damaged: %w", filepath.Join(dir, database), err)
	}
	return pick(rows, asked, func(r cacheRow) (document, error) { return r.document(dir) })
}

// copyAttempts is how often a store that is being written to is copied.
const copyAttempts = 5

// copyQuiet copies the database and its log from one directory to another, as they were at
// one time: a copy during which either changed is made again.
func copyQuiet(from, to string) error {
	if _, err := os.Stat(filepath.Join(from, database)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has no %s, so it is not a store of diskcache; FastMCP 3 and later "+
			"write a tree of files: --from file:DIR", from, database)
	}
	files := []string{database, database + "-wal"}
	for range copyAttempts {
		before := stamps(from, files)
		for _, name := range files {
			data, err := os.ReadFile(filepath.Join(from, name))
			if errors.Is(err, fs.ErrNotExist) && name != database {
				data, err = nil, nil
			}
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
				return err
			}
		}
		if stamps(from, files) == before {
			return nil
		}
	}
	return fmt.Errorf("%s is being written to all the time: stop the old server for a moment", from)
}

// stamps says of each file when it was last written and how long it is.
func stamps(dir string, files []string) string {
	var b strings.Builder
	for _, name := range files {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			fmt.Fprintln(&b, name, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

// A cacheRow is one row of diskcache's table.
type cacheRow struct {
	name     string // collection::key
	value    any
	filename sql.NullString
	expires  sql.NullFloat64 // seconds since 1970
}

// cacheRows returns the rows whose keys are texts, which those of py-key-value are.
func cacheRows(ctx context.Context, db *sql.DB) ([]cacheRow, error) {
	var said string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil || said != "ok" {
		return nil, errors.Join(errors.New("SQLite finds it damaged: "+said), err)
	}
	found, err := db.QueryContext(ctx,
		"SELECT key, value, filename, expire_time FROM Cache WHERE raw = 1 AND typeof(key) = 'text' ORDER BY rowid")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var rows []cacheRow
	for found.Next() {
		var r cacheRow
		if err := found.Scan(&r.name, &r.value, &r.filename, &r.expires); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, found.Err()
}

func (r cacheRow) compound() string { return r.name }

// document returns what a row holds. A value in a file that is not there is an empty one.
func (r cacheRow) document(dir string) (document, error) {
	d := document{key: r.name}
	if r.expires.Valid {
		d.expires = time.UnixMicro(int64(r.expires.Float64 * 1e6))
	}
	switch value := r.value.(type) {
	case string:
		d.body = []byte(value)
	case []byte:
		d.body = value
	}
	if r.filename.Valid && filepath.IsLocal(r.filename.String) {
		data, err := os.ReadFile(filepath.Join(dir, r.filename.String))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return d, err
		}
		d.body = data
	}
	return d, nil
}

// A compounded is what is stored under collection::key.
type compounded interface{ compound() string }

// pick chooses the collection among rows and returns its documents.
func pick[R compounded](rows []R, asked string, read func(R) (document, error)) ([]document, error) {
	var there []string
	for _, r := range rows {
		if collection, _, ok := strings.Cut(r.compound(), "::"); ok {
			there = append(there, collection)
		}
	}
	collection, err := choose(there, asked)
	if err != nil {
		return nil, err
	}
	var out []document
	for _, r := range rows {
		in, key, ok := strings.Cut(r.compound(), "::")
		if !ok || in != collection {
			continue
		}
		d, err := read(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.compound(), err)
		}
		d.client = key
		out = append(out, d)
	}
	return out, nil
}
