package keyfile_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-dev/postern/shared/keyfile"
)

// A ring is the simplest ring there is: a word that must start with "ring".
type ring string

func (r ring) Describe() string { return "fp-" + string(r[4:]) }

func parse(data []byte) (ring, error) {
	if !bytes.HasPrefix(data, []byte("ring")) {
		return "", errors.New("not a ring")
	}
	return ring(data), nil
}

// A disk has one file, whose reads can be counted, made to fail and held up.
type disk struct {
	mu    sync.Mutex
	data  string
	err   error
	hold  chan struct{}
	reads int
}

func (d *disk) set(data string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.data, d.err = data, err
}

func (d *disk) holdUp(until chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hold = until
}

func (d *disk) read(string) ([]byte, error) {
	d.mu.Lock()
	d.reads++
	hold := d.hold
	d.mu.Unlock()
	if hold != nil {
		<-hold
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return []byte(d.data), d.err
}

func (d *disk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reads
}

// open returns the file of a disk and what is logged about it. The times are the
// defaults, the clock is the bubble's.
func open(d *disk) (*keyfile.File[ring], *bytes.Buffer) {
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	return keyfile.New("keys", parse, &keyfile.Options{Log: log, Read: d.read}), &logged
}

func wantGet(t *testing.T, f *keyfile.File[ring], want ring) {
	t.Helper()
	if got, err := f.Get(t.Context()); err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func wantReads(t *testing.T, d *disk, want int) {
	t.Helper()
	if got := d.count(); got != want {
		t.Errorf("got %d reads, want %d", got, want)
	}
}

func TestFileIsReadOnFirstUseAndAgainWhenOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{data: "ring1"}
		f, logged := open(d)
		wantReads(t, d, 0) // design: no I/O at start
		wantGet(t, f, "ring1")
		d.set("ring2", nil)
		time.Sleep(5*time.Minute - time.Nanosecond)
		wantGet(t, f, "ring1")
		wantReads(t, d, 1)
		time.Sleep(time.Nanosecond)
		wantGet(t, f, "ring2")
		wantReads(t, d, 2)
		if got := logged.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "keys.ring_changed") ||
			!strings.Contains(got, "before=fp-1 after=fp-2") {
			t.Errorf("got %q, want one line keys.ring_changed from fp-1 to fp-2", got)
		}
	})
}

// A cold start without keys is an error, and no default ring (SC-09).
func TestFirstReadThatFailsIsAnErrorUntilOneSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{err: os.ErrPermission}
		f, _ := open(d)
		for range 3 {
			if got, err := f.Get(t.Context()); !errors.Is(err, os.ErrPermission) || got != "" {
				t.Errorf("got %q, %v, want permission denied", got, err)
			}
		}
		wantReads(t, d, 1) // and not one per request
		d.set("ring1", nil)
		time.Sleep(time.Second)
		wantGet(t, f, "ring1")
	})
}

// Keys in memory survive (SC-09).
func TestFailedOrMalformedReadKeepsTheOldRing(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*disk){
		"failed":    func(d *disk) { d.set("", os.ErrNotExist) },
		"malformed": func(d *disk) { d.set("canary", nil) },
		"empty":     func(d *disk) { d.set("", nil) },
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &disk{data: "ring1"}
			f, logged := open(d)
			wantGet(t, f, "ring1")
			set(d)
			time.Sleep(5 * time.Minute)
			wantGet(t, f, "ring1")
			wantGet(t, f, "ring1")
			wantReads(t, d, 2)
			got := logged.String()
			want := "level=WARN msg=keys.reload_failed event=keys.reload_failed ring=keys"
			if strings.Count(got, "\n") != 1 || !strings.Contains(got, want) || strings.Contains(got, "canary") {
				t.Errorf("%s: got %q, want one warning keys.reload_failed without the file's content", name, got)
			}
			d.set("ring2", nil)
			time.Sleep(time.Second)
			wantGet(t, f, "ring2")
		})
	}
}

func TestRepeatedFailuresAreTriedLessAndLessOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{data: "ring1"}
		f, _ := open(d)
		wantGet(t, f, "ring1")
		d.set("", os.ErrNotExist)
		time.Sleep(5 * time.Minute)
		for range 3600 { // an hour of one request per second
			wantGet(t, f, "ring1")
			time.Sleep(time.Second)
		}
		// 1, 2, 4 … 256 seconds apart, then 5 minutes.
		if got := d.count() - 1; got < 15 || got > 25 {
			t.Errorf("got %d reads in an hour, want about 20", got)
		}
	})
}

func TestOneReadsWhileOthersGetTheOldRing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{data: "ring1"}
		f, _ := open(d)
		wantGet(t, f, "ring1")
		d.set("ring2", nil)
		release := make(chan struct{})
		d.holdUp(release)
		time.Sleep(5 * time.Minute)

		reader := make(chan ring)
		go func() { got, _ := f.Get(t.Context()); reader <- got }()
		synctest.Wait()
		began := time.Now()
		for range 50 {
			wantGet(t, f, "ring1")
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("the others waited %s", waited)
		}
		wantReads(t, d, 2)
		close(release)
		if got := <-reader; got != "ring2" {
			t.Errorf("the reader got %q, want ring2", got)
		}
		wantGet(t, f, "ring2")
	})
}

func TestColdCallersShareOneRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{data: "ring1"}
		f, _ := open(d)
		release := make(chan struct{})
		d.holdUp(release)
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() { wantGet(t, f, "ring1") })
		}
		synctest.Wait()
		wantReads(t, d, 1)
		close(release)
		callers.Wait()
	})
}

func TestReadThatHangsHoldsNobodyUpForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{data: "ring1"}
		f, _ := open(d)
		wantGet(t, f, "ring1")
		release := make(chan struct{})
		d.holdUp(release)
		time.Sleep(5 * time.Minute)
		began := time.Now()
		wantGet(t, f, "ring1")
		if got, want := time.Since(began), 2*time.Second; got != want {
			t.Errorf("the reader waited %s, want %s", got, want)
		}
		d.set("ring2", nil)
		close(release)
		synctest.Wait()
		wantGet(t, f, "ring2") // the read that was left behind still counts
		wantReads(t, d, 2)
	})
}

func TestCallerThatGivesUpGetsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{data: "ring1"}
		f, _ := open(d)
		release := make(chan struct{})
		d.holdUp(release)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := f.Get(ctx); err == nil {
			t.Errorf("got %q, want an error", got)
		}
		close(release)
		synctest.Wait()
		wantGet(t, f, "ring1")
		wantReads(t, d, 1)
	})
}

// An unknown key on read reloads once (SC-07).
func TestRefetchReadsAtOnceButNotOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{data: "ring1"}
		f, _ := open(d)
		wantGet(t, f, "ring1")
		time.Sleep(time.Second)
		wantRefetch := func(want ring, changed bool) {
			t.Helper()
			if got, differs, _ := f.Refetch(t.Context()); got != want || differs != changed {
				t.Errorf("got %q, %t, want %q, %t", got, differs, want, changed)
			}
		}
		wantRefetch("ring1", false)
		wantReads(t, d, 2)
		d.set("ring2", nil)
		for range 100 { // unknown kids by the hundred cost one read
			wantRefetch("ring1", false)
		}
		wantReads(t, d, 2)
		time.Sleep(time.Second)
		wantRefetch("ring2", true)
		wantReads(t, d, 3)
		// Whoever took the ring just before that read must try again, too.
		wantRefetch("ring2", true)
		wantReads(t, d, 3)
		time.Sleep(time.Second + time.Nanosecond)
		wantRefetch("ring2", false)
		d.set("", os.ErrNotExist)
		time.Sleep(time.Second)
		wantRefetch("ring2", false)
		wantGet(t, f, "ring2")
	})
}

// A ring whose file cannot be read says so to whoever misses a key in it: what the ring
// lacks may be in the file.
func TestRefetchTellsARingThatCouldNotBeReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{data: "ring1"}
		f, _ := open(d)
		wantGet(t, f, "ring1")
		wantError := func(claim string, want error) {
			t.Helper()
			if _, _, err := f.Refetch(t.Context()); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", claim, err, want)
			}
		}
		d.set("", os.ErrPermission)
		time.Sleep(time.Second)
		wantError("the read fails", os.ErrPermission)
		wantError("nobody has read it since", os.ErrPermission)
		d.set("ring1", nil)
		time.Sleep(time.Second)
		wantError("the file is back", nil)
		release := make(chan struct{})
		d.holdUp(release)
		time.Sleep(time.Second)
		if _, _, err := f.Refetch(t.Context()); err == nil {
			t.Error("the read hangs: got no error, want one")
		}
		close(release)
		synctest.Wait()
		wantError("the read ended", nil)
	})
}

func TestRefetchOfAFileNeverReadReadsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{data: "ring1"}
		f, _ := open(d)
		if got, differs, _ := f.Refetch(t.Context()); got != "ring1" || differs {
			t.Errorf("got %q, %t, want ring1, false", got, differs)
		}
	})
}

func TestUnchangedFileKeepsTheRingItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{data: "ring1"}
		parsed := 0
		f := keyfile.New("keys", func([]byte) (*int, error) { parsed++; return new(int), nil },
			&keyfile.Options{Read: d.read})
		first, _ := f.Get(t.Context())
		time.Sleep(5 * time.Minute)
		if again, _ := f.Get(t.Context()); again != first || parsed != 1 || d.count() != 2 {
			t.Errorf("parsed %d times in %d reads, want 1 in 2", parsed, d.count())
		}
	})
}

func TestStaticRingNeverChanges(t *testing.T) {
	t.Parallel()
	f := keyfile.Static(ring("ring1"))
	wantGet(t, f, "ring1")
	if got, differs, _ := f.Refetch(t.Context()); got != "ring1" || differs {
		t.Errorf("got %q, %t, want ring1, false", got, differs)
	}
}

// The file system: what is missing, what is far too large, and a ring replaced
// by rename while many read.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	silent := slog.New(slog.DiscardHandler)
	_, err := keyfile.New(path, parse, &keyfile.Options{Log: silent}).Get(t.Context())
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: got %v, want os.ErrNotExist", err)
	}
	write := func(data []byte) {
		if err := os.WriteFile(path+".new", data, 0o600); err != nil {
			t.Error(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Error(err)
		}
	}
	write(append([]byte("ring"), make([]byte, 1<<20)...))
	if _, err := keyfile.New(path, parse, &keyfile.Options{Log: silent}).Get(t.Context()); err == nil {
		t.Error("read a ring of more than 1 MiB")
	}

	write([]byte("ring0"))
	f := keyfile.New(path, parse, &keyfile.Options{Log: silent, MaxAge: 1, MinRetry: 1})
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for range 200 {
				if got, err := f.Get(t.Context()); err != nil || !strings.HasPrefix(string(got), "ring") {
					t.Errorf("got %q, %v", got, err)
				}
				if _, _, err := f.Refetch(t.Context()); err != nil {
					t.Errorf("read again: %v", err)
				}
			}
		})
	}
	for n := range byte(10) {
		write([]byte{'r', 'i', 'n', 'g', '0' + n})
	}
	readers.Wait()
	_, _, _ = f.Refetch(t.Context())
	wantGet(t, f, "ring9")
}

func BenchmarkGet(b *testing.B) {
	d := &disk{data: "ring1"}
	f, _ := open(d)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = f.Get(b.Context())
		}
	})
}
