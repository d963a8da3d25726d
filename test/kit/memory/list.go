package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/postern-dev/postern/shared/store/driver"
)

// List implements [driver.Driver]. By a field it costs no more than the documents
// that match; without one it looks at every document.
func (d *Driver) List(ctx context.Context, q driver.Query) ([]driver.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	k := driver.Key{Collection: q.Collection}
	if err := call(d.options.Fault, OpList, k); err != nil {
		return nil, err
	}
	records := d.list(q)
	if err := call(d.options.FaultAfter, OpList, k); err != nil {
		return nil, err
	}
	return records, nil
}

// list holds every shard, so that it shows a transaction whole or not at all.
func (d *Driver) list(q driver.Query) []driver.Record {
	for i := range d.shards {
		d.shards[i].mu.RLock()
		defer d.shards[i].mu.RUnlock()
	}
	var records []driver.Record
	for i := range d.shards {
		records = d.shards[i].match(q, records)
		if len(records) > 4*driver.MaxPage {
			records = first(records, q.Limit)
		}
	}
	records = first(records, q.Limit)
	for i := range records {
		records[i].Document = records[i].Document.Clone()
	}
	return records
}

// match appends the records of s that q selects, in no order and not yet cloned.
func (s *shard) match(q driver.Query, records []driver.Record) []driver.Record {
	if q.Field != "" {
		for id := range s.index[label{q.Collection, q.Field, q.Value}] {
			if k := (driver.Key{Collection: q.Collection, ID: id}); id > q.After {
				records = append(records, driver.Record{Key: k, Document: s.entries[k].document})
			}
		}
		return records
	}
	for k, e := range s.entries {
		if k.Collection == q.Collection && k.ID > q.After {
			records = append(records, driver.Record{Key: k, Document: e.document})
		}
	}
	return records
}

// first sorts records by ID and returns at most limit of them.
func first(records []driver.Record, limit int) []driver.Record {
	slices.SortFunc(records, func(a, b driver.Record) int { return strings.Compare(a.Key.ID, b.Key.ID) })
	return records[:min(limit, len(records))]
}
