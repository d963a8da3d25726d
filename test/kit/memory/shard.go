package memory

import (
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/postern-dev/postern/shared/store/driver"
)

// An entry is one document. It is never changed, only replaced.
type entry struct {
	document driver.Document
	version  uint64 // grows with each write of any document
}

// A label is one index value as List asks for it.
type label struct{ collection, field, value string }

type shard struct {
	mu      sync.RWMutex
	entries map[driver.Key]*entry
	index   map[label]map[string]struct{} // to ids
}

func (d *Driver) number(k driver.Key) int {
	return int(maphash.String(d.seed, k.ID) % shards)
}

func (d *Driver) shard(k driver.Key) *shard { return &d.shards[d.number(k)] }

func (s *shard) get(k driver.Key) *entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.entries[k]
}

// unchanged reports whether what a transaction saw is still there.
func (d *Driver) unchanged(reads []versioned) bool {
	defer d.lock(reads, nil)()
	return d.current(reads)
}

// commit applies list at once. It is not done if one of reads has changed.
func (d *Driver) commit(reads []versioned, list []driver.Write) (done bool, err error) {
	defer d.lock(reads, list)()
	if !d.current(reads) {
		return false, nil
	}
	if err := d.conflict(list); err != nil {
		return true, err
	}
	for _, w := range list {
		d.apply(w)
	}
	return true, nil
}

// lock locks the shards of reads and list, in ascending order so that two
// commits never wait for each other, and returns what unlocks them.
func (d *Driver) lock(reads []versioned, list []driver.Write) (unlock func()) {
	numbers := make([]int, 0, 8)
	for _, r := range reads {
		numbers = append(numbers, d.number(r.key))
	}
	for _, w := range list {
		numbers = append(numbers, d.number(w.Key))
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	for _, n := range numbers {
		d.shards[n].mu.Lock()
	}
	return func() {
		for _, n := range numbers {
			d.shards[n].mu.Unlock()
		}
	}
}

func (d *Driver) current(reads []versioned) bool {
	for _, r := range reads {
		var version uint64
		if e := d.shard(r.key).entries[r.key]; e != nil {
			version = e.version
		}
		if version != r.version {
			return false
		}
	}
	return true
}

// conflict returns ErrExists if a Create of list would meet a document, be it one
// that an earlier write of list makes.
func (d *Driver) conflict(list []driver.Write) error {
	var there map[driver.Key]bool
	for i, w := range list {
		exists, known := there[w.Key]
		if !known {
			exists = d.shard(w.Key).entries[w.Key] != nil
		}
		if w.Kind == driver.CreateWrite && exists {
			return fmt.Errorf("create in %s: %w", w.Key.Collection, driver.ErrExists)
		}
		if i+1 < len(list) {
			if there == nil {
				there = make(map[driver.Key]bool, len(list))
			}
			there[w.Key] = w.Kind != driver.DeleteWrite
		}
	}
	return nil
}

// apply changes one document and reports it. Its shard is locked.
func (d *Driver) apply(w driver.Write) {
	s := d.shard(w.Key)
	if w.Kind == driver.DeleteWrite {
		s.replace(w.Key, nil, &d.feed)
		return
	}
	s.replace(w.Key, &entry{w.Document, d.version.Add(1)}, &d.feed)
}

// replace puts after at k, nil for none. It reports nothing if nothing changes,
// as Firestore fires no event for such a write.
func (s *shard) replace(k driver.Key, after *entry, f *feed) {
	if s.entries == nil {
		s.entries = map[driver.Key]*entry{}
		s.index = map[label]map[string]struct{}{}
	}
	before := s.entries[k]
	if before != nil {
		s.unlabel(k, before)
	}
	if after == nil {
		delete(s.entries, k)
	} else {
		s.entries[k] = after
		s.label(k, after)
	}
	f.report(k, before, after)
}

func (s *shard) label(k driver.Key, e *entry) {
	for field, value := range e.document.Index {
		l := label{k.Collection, field, value}
		if s.index[l] == nil {
			s.index[l] = map[string]struct{}{}
		}
		s.index[l][k.ID] = struct{}{}
	}
}

func (s *shard) unlabel(k driver.Key, e *entry) {
	for field, value := range e.document.Index {
		l := label{k.Collection, field, value}
		if delete(s.index[l], k.ID); len(s.index[l]) == 0 {
			delete(s.index, l)
		}
	}
}

func (s *shard) purge(now time.Time, f *feed) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for k, e := range s.entries {
		if at := e.document.DeleteAfter; !at.IsZero() && !at.After(now) {
			s.replace(k, nil, f)
			n++
		}
	}
	return n
}
