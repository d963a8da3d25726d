package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// busyTimeout is how long a connection waits for another process's lock.
const busyTimeout = 10 * time.Second

// A file is one open database, shared by the Drivers of this process over one
// directory.
type file struct {
	dir     string
	users   int
	readers *sql.DB
	writers *sql.DB   // one connection
	writing *sql.Conn // that one
	get     *sql.Stmt
	writer  *writer

	turn chan struct{} // has an element while somebody uses writing
	open *batch        // the transaction that is open, nil if none is; read and set by who has the turn

	nextPurge atomic.Int64 // Unix microseconds
}

// files has the open files by directory. The lock is also held while a database is
// made: closing any descriptor of a file drops all POSIX locks that this process
// holds on it, SQLite's too, so nobody else here may have it open then.
var (
	filesMu sync.Mutex
	files   = map[string]*file{}
)

func acquire(dir string) (*file, error) {
	filesMu.Lock()
	defer filesMu.Unlock()
	f := files[dir]
	if f == nil {
		var err error
		if f, err = open(dir); err != nil {
			return nil, err
		}
		files[dir] = f
	}
	f.users++
	return f, nil
}

func release(f *file) error {
	filesMu.Lock()
	defer filesMu.Unlock()
	if f.users--; f.users > 0 {
		return nil
	}
	delete(files, f.dir)
	return f.close()
}

func (f *file) close() error {
	return errors.Join(f.readers.Close(), f.writing.Close(), f.writers.Close())
}

// open makes or opens dir/postern.db. It does not use a request's context: the
// caller that came first must not take the file away from those after it.
func open(dir string) (_ *file, err error) {
	path := filepath.Join(dir, "postern.db")
	if err := touch(path); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*busyTimeout)
	defer cancel()

	f := &file{dir: dir, turn: make(chan struct{}, 1)}
	if f.writers, err = pool(path, 1, "_txlock=immediate&_pragma=synchronous(FULL)"); err != nil {
		return nil, err
	}
	if f.writing, err = f.writers.Conn(ctx); err != nil {
		return nil, errors.Join(err, f.writers.Close())
	}
	if f.readers, err = pool(path, max(4, 2*runtime.GOMAXPROCS(0)), "_pragma=query_only(1)"); err != nil {
		return nil, errors.Join(err, f.writing.Close(), f.writers.Close())
	}
	if err := f.prepare(ctx); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *file) prepare(ctx context.Context) (err error) {
	if err := migrate(ctx, f.writing); err != nil {
		return fmt.Errorf("prepare %s: %w", filepath.Join(f.dir, "postern.db"), err)
	}
	if f.get, err = f.readers.PrepareContext(ctx, getDocument); err != nil {
		return err
	}
	f.writer, err = newWriter(ctx, f.writing)
	return err
}

// pool opens the database with at most n connections, which stay open.
func pool(path string, n int, query string) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	u.RawQuery = fmt.Sprintf("_pragma=busy_timeout(%d)&%s", busyTimeout.Milliseconds(), query)
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// touch makes an empty file with mode 0600 in a directory with mode 0700, and
// leaves what is there as it is. SQLite gives its -wal and -shm the same mode.
func touch(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), syncDir(dir))
}

// syncDir makes the entry of a new file survive a loss of power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// migrate turns on WAL and makes the tables. Several processes may do it at once.
func migrate(ctx context.Context, db *sql.Conn) error {
	if err := wal(ctx, db); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch version {
	case schemaVersion:
		return nil
	case 0:
		if _, err := tx.ExecContext(ctx, schema+fmt.Sprintf("PRAGMA user_version = %d;", schemaVersion)); err != nil {
			return err
		}
		return tx.Commit()
	}
	return fmt.Errorf("its format is %d, this program knows %d", version, schemaVersion)
}

// wal sets the journal mode, which stays in the file. SQLite does not wait by
// itself when another process is doing the same, so this does.
func wal(ctx context.Context, db *sql.Conn) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		var mode string
		err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		if err == nil && mode != "wal" {
			return fmt.Errorf("the file system allows journal mode %q only, want wal", mode)
		}
		if err == nil || !busy(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// busy reports whether another connection holds the lock.
func busy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
}
