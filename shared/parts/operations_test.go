package parts

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/telemetry"
)

// A recording observer remembers what spans say.
type recording struct{ ended []map[string]string }

func (r *recording) Start(
	ctx context.Context, _ telemetry.Kind, name string, _ telemetry.Trace,
) (context.Context, telemetry.ActiveSpan) {
	return ctx, &recorded{r, map[string]string{"name": name}}
}

func (r *recording) Count(context.Context, telemetry.Event) {}
func (r *recording) Flush(context.Context)                  {}

type recorded struct {
	r    *recording
	said map[string]string
}

func (s *recorded) Trace() telemetry.Trace  { return telemetry.Trace{} }
func (s *recorded) Rename(name string)      { s.said["name"] = name }
func (s *recorded) Set(string, string)      {}
func (s *recorded) SetInt(string, int)      {}
func (s *recorded) Label(key, value string) { s.said[key] = value }
func (s *recorded) End(outcome, fail string) {
	s.said["outcome"] = outcome + fail
	s.r.ended = append(s.r.ended, s.said)
}

// A failing driver answers with what it is told, and transactions read once.
type failing struct {
	driver.Driver
	err error
}

func (f failing) Get(context.Context, driver.Key) (driver.Document, error) {
	return driver.Document{}, f.err
}
func (f failing) Create(context.Context, driver.Key, driver.Document) error { return f.err }
func (f failing) List(context.Context, driver.Query) ([]driver.Record, error) {
	return nil, f.err
}

func (f failing) RunTransaction(ctx context.Context, do func(context.Context, driver.Tx) error) error {
	return do(ctx, failingTx{err: f.err})
}

type failingTx struct {
	driver.Tx
	err error
}

func (f failingTx) Get(driver.Key) (driver.Document, error)  { return driver.Document{}, f.err }
func (f failingTx) Create(driver.Key, driver.Document) error { return f.err }

// What an operation of the store came to: a verdict is no failure, and neither is a transaction
// that a rule of ours ended.
func TestOperationsOfTheStoreAreTold(t *testing.T) {
	t.Parallel()
	down, rule := errors.New("down"), errors.New("a rule")
	k := driver.Key{Collection: "grants", ID: "a"}
	transaction := func(then error) func(context.Context, driver.Driver) error {
		return func(ctx context.Context, d driver.Driver) error {
			return d.RunTransaction(ctx, func(_ context.Context, tx driver.Tx) error {
				if _, err := tx.Get(k); err != nil {
					return err
				}
				return then
			})
		}
	}
	get := func(ctx context.Context, d driver.Driver) error { _, err := d.Get(ctx, k); return err }
	list := func(ctx context.Context, d driver.Driver) error {
		_, err := d.List(ctx, driver.Query{Collection: "codes", Limit: 1})
		return err
	}
	create := func(ctx context.Context, d driver.Driver) error { return d.Create(ctx, k, driver.Document{}) }
	tests := []struct {
		do                        func(context.Context, driver.Driver) error
		keeper                    error
		name, collection, outcome string
	}{
		{get, nil, "get grants", "grants", "ok"},
		{get, driver.ErrNotFound, "get grants", "grants", "not_found"},
		{get, down, "get grants", "grants", "faultfault"},
		{create, driver.ErrExists, "create grants", "grants", "exists"},
		{list, down, "list codes", "codes", "faultfault"},
		{transaction(nil), nil, "transaction", "", "ok"},
		{transaction(rule), nil, "transaction", "", "given_up"},
		{transaction(nil), down, "transaction", "", "faultfault"},
		{transaction(nil), driver.ErrNotFound, "transaction", "", "not_found"},
	}
	for _, tt := range tests {
		seen := &recording{}
		ctx := telemetry.Begin(t.Context(), "ID", telemetry.Trace{})
		telemetry.Observe(ctx, seen)
		d := &reporting{
			Driver: failing{err: tt.keeper}, system: systemOf("embedded:x"), log: slog.New(slog.DiscardHandler),
		}
		_ = tt.do(ctx, d) // as the keeper has it
		want := map[string]string{
			"name": tt.name, "db.system.name": "sqlite", "db.operation.name": tt.name, "outcome": tt.outcome,
		}
		if tt.collection != "" {
			want["db.collection.name"] = tt.collection
			want["db.operation.name"] = tt.name[:len(tt.name)-len(tt.collection)-1]
		}
		if diff := cmp.Diff([]map[string]string{want}, seen.ended); diff != "" {
			t.Error(diff)
		}
	}
}
