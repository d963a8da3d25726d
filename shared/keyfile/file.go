package keyfile

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postern-dev/postern/shared/defaults"
)

// Names of the log lines that this package writes.
const (
	EventReloadFailed = "keys.reload_failed" // warn: the old ring, if any, stays
	EventRingChanged  = "keys.ring_changed"  // info: before and after, as Describe gives them
)

// maxSize is far above any ring, in bytes. A larger file is not one.
const maxSize = 1 << 20

// Options are what [New] can do without. The zero value, like nil, means the
// defaults.
type Options struct {
	// Now tells the time; nil means [time.Now].
	Now func() time.Time
	// MaxAge is how old a ring may get before a request reads the file again;
	// 0 means 5 minutes.
	MaxAge time.Duration
	// MinRetry is the shortest time between two reads that Refetch or a failure
	// ask for; 0 means 1 second. Repeated failures double it, up to MaxRetry; 0 means
	// MaxAge.
	MinRetry, MaxRetry time.Duration
	// Patience is how long one caller waits for a read; 0 means 2 seconds. Then
	// Get goes on with the ring it has, or fails if it has none.
	Patience time.Duration
	// Name is what the log calls the ring, such as "fernet-keys"; empty means the
	// name of the file.
	Name string
	// Log takes the lines named above; nil discards.
	Log *slog.Logger
	// Read reads the file; nil means reading from the file system.
	Read func(path string) ([]byte, error)
}

// A Describer is a ring that can be named in a log: fingerprints, key ids. Another ring
// is logged without a name.
type Describer interface{ Describe() string }

// A File is a ring of type T in a file. [New] and [Static] make one. It is safe for
// concurrent use; T must be safe to read concurrently.
type File[T any] struct {
	path  string
	parse func([]byte) (T, error)
	opt   Options

	state atomic.Pointer[state[T]] // written by the one read in flight

	mu     sync.Mutex
	flight chan struct{} // closed when the read in flight ends; nil without one
}

// A state is what is known after a read. It is never changed, only replaced.
type state[T any] struct {
	ring   T
	loaded bool     // there is a ring
	sum    [32]byte // SHA-256 of the file the ring came from
	err    error    // why the last read brought no ring; nil after one that did

	read    time.Time     // when the last read ended
	changed time.Time     // when the ring last changed; zero after the first
	due     time.Time     // when Get reads again
	backoff time.Duration // what the last failure added
	static  bool
}

// New returns the ring in the file at path, without reading it yet. An error of
// parse reaches the log, so it must not quote the file.
func New[T any](path string, parse func([]byte) (T, error), o *Options) *File[T] {
	f := &File[T]{path: path, parse: parse, opt: withDefaults(o)}
	f.state.Store(&state[T]{err: fmt.Errorf("keys in %s are not read yet", path)})
	return f
}

// Static returns a ring that never changes, for tests and development.
func Static[T any](ring T) *File[T] {
	f := &File[T]{opt: withDefaults(nil)}
	f.state.Store(&state[T]{ring: ring, loaded: true, static: true})
	return f
}

func withDefaults(o *Options) Options {
	var opt Options
	if o != nil {
		opt = *o
	}
	opt.Log, opt.Now = defaults.Log(opt.Log), defaults.Now(opt.Now)
	if opt.MaxAge <= 0 {
		opt.MaxAge = 5 * time.Minute
	}
	if opt.MinRetry <= 0 {
		opt.MinRetry = time.Second
	}
	if opt.MaxRetry <= 0 {
		opt.MaxRetry = opt.MaxAge
	}
	if opt.Patience <= 0 {
		opt.Patience = 2 * time.Second
	}
	if opt.Read == nil {
		opt.Read = readFile
	}
	return opt
}

// Get returns the ring. It reads the file if that never succeeded or the last
// read is older than MaxAge; a failed read changes nothing. It fails only while
// there is no ring at all, or if ctx ends before there is one.
func (f *File[T]) Get(ctx context.Context) (T, error) {
	st := f.state.Load()
	if st.static || f.opt.Now().Before(st.due) {
		return st.result()
	}
	done, started := f.start(ctx, func(st *state[T], now time.Time) bool { return !now.Before(st.due) })
	if done != nil && (started || !st.loaded) {
		f.wait(ctx, done)
	}
	return f.state.Load().result()
}

// Refetch reads the file at once, because something names a key that the ring
// does not have. It returns the ring, and whether it is worth trying again:
// whether the ring differs from what it was up to MinRetry ago, be it by this read
// or by one just before it. At most one read per MinRetry is made. A failed
// read changes nothing; while there is no ring at all it returns T's zero value and
// false.
//
// The error is that the file could not be read, now or at the last try. Then a key that
// the ring lacks may well be ours, and its absence proves nothing.
func (f *File[T]) Refetch(ctx context.Context) (ring T, changed bool, err error) {
	if st := f.state.Load(); st.static {
		return st.ring, false, nil
	}
	done, _ := f.start(ctx, func(st *state[T], now time.Time) bool { return !now.Before(st.read.Add(f.opt.MinRetry)) })
	ended := done == nil || f.wait(ctx, done)
	st := f.state.Load()
	if err = st.err; err == nil && !ended {
		err = fmt.Errorf("keys in %s: the file does not answer", f.path)
	}
	return st.ring, !st.changed.IsZero() && f.opt.Now().Sub(st.changed) <= f.opt.MinRetry, err
}

func (st *state[T]) result() (T, error) {
	if !st.loaded {
		return st.ring, st.err
	}
	return st.ring, nil
}

// start joins the read in flight or, if wanted still says so, starts one. It returns
// a channel that is closed when the read ends, nil if there is none to wait for,
// and whether this call started it.
func (f *File[T]) start(
	ctx context.Context, wanted func(*state[T], time.Time) bool,
) (done <-chan struct{}, started bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.flight != nil {
		return f.flight, false
	}
	if !wanted(f.state.Load(), f.opt.Now()) {
		return nil, false
	}
	flight := make(chan struct{})
	f.flight = flight
	// Reading a mounted secret is a network call that no context reaches. In a
	// goroutine of its own it can be left behind.
	go func() {
		f.read(context.WithoutCancel(ctx))
		f.mu.Lock()
		f.flight = nil
		f.mu.Unlock()
		close(flight)
	}()
	return flight, true
}

// wait returns when done is closed, ctx ends or patience is over, and whether it was the
// first.
func (f *File[T]) wait(ctx context.Context, done <-chan struct{}) bool {
	patience := time.NewTimer(f.opt.Patience)
	defer patience.Stop()
	select {
	case <-done:
		return true
	case <-ctx.Done():
	case <-patience.C:
	}
	return false
}

// readFile reads a whole file of at most maxSize bytes.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSize {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxSize)
	}
	return data, nil
}

// read reads the file once and replaces the state.
func (f *File[T]) read(ctx context.Context) {
	data, err := f.opt.Read(f.path)
	old := f.state.Load()
	sum := sha256.Sum256(data)
	ring := old.ring
	// An unchanged file keeps the ring itself, and what its owner has cached
	// in it.
	if err == nil && (!old.loaded || sum != old.sum) {
		ring, err = f.parse(data)
	}
	now := f.opt.Now()
	if err != nil {
		f.state.Store(old.failed(now, fmt.Errorf("read keys in %s: %w", f.path, err), f.opt))
		f.audit(ctx, slog.LevelWarn, EventReloadFailed,
			slog.Bool("kept", old.loaded), slog.String("error", err.Error()))
		return
	}
	next := &state[T]{ring: ring, loaded: true, sum: sum, read: now, changed: old.changed, due: now.Add(f.opt.MaxAge)}
	if old.loaded && sum != old.sum {
		next.changed = now
		f.audit(ctx, slog.LevelInfo, EventRingChanged,
			slog.String("before", describe(old.ring)), slog.String("after", describe(ring)))
	}
	f.state.Store(next)
}

// audit writes the line of an event in the shape of all security events: its name is
// the message and the field "event", by which alerts find it.
func (f *File[T]) audit(ctx context.Context, level slog.Level, event string, attrs ...slog.Attr) {
	name := f.opt.Name
	if name == "" {
		name = filepath.Base(f.path)
	}
	attrs = append([]slog.Attr{slog.String("event", event), slog.String("ring", name)}, attrs...)
	f.opt.Log.LogAttrs(ctx, level, event, attrs...)
}

// failed returns the state after a read that failed: the ring as it was, and
// the next read sooner than an age would ask for, later with every failure.
func (st *state[T]) failed(now time.Time, err error, opt Options) *state[T] {
	next := *st
	next.err, next.read = err, now
	next.backoff = min(max(2*st.backoff, opt.MinRetry), opt.MaxRetry)
	next.due = now.Add(next.backoff)
	return &next
}

func describe(ring any) string {
	if d, ok := ring.(Describer); ok {
		return d.Describe()
	}
	return ""
}
