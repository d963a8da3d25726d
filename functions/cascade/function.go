package cascade

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	_ "github.com/GoogleCloudPlatform/functions-framework-go/funcframework" // the vendored build needs it
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	cloudevent "github.com/cloudevents/sdk-go/v2/event"

	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/parts"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/firestoredriver"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/shared/upstream/issuer"
)

func init() { functions.CloudEvent("cascade", boot.Event("cascade", Build(firestoredriver.Openers))) }

// Build reads the environment and opens what the cascade needs, the store by one of drivers.
// It does no network I/O, so a bad setting fails the start and nothing else can.
func Build(drivers driver.Openers) boot.BuildEvent[cloudevent.Event] {
	return func(ctx context.Context, env *boot.Env) (func(context.Context, cloudevent.Event) error, error) {
		r := env.Settings()
		parts.Observe(ctx, env, r)
		env.Edge(r) // the settings that every function shares, for their problems
		records, db := parts.Records(ctx, env, r, drivers, parts.Box(env, r))
		c := Config{Store: records, Log: env.Log}
		c.Provider, _ = parts.Provider(env, r, parts.WithSecret, issuer.Open, upstream.Groups{})
		database := databaseOf(r.String("STORE"))
		if err := r.Err(); err != nil {
			return nil, err
		}
		cascade, err := New(c)
		if err != nil {
			return nil, err
		}
		queue, _ := db.(driver.Queue)
		return boot.Observed(env, receive(cascade, database, queue)), nil
	}
}

// defaultDatabase is the database of a STORE that names none.
const defaultDatabase = "(default)"

// databaseOf returns the database of a STORE setting, empty for a store without any.
func databaseOf(setting string) string {
	name, ok := strings.CutPrefix(setting, "firestore:")
	if !ok {
		return ""
	}
	_, database, named := strings.Cut(name, "/")
	if !named {
		return defaultDatabase
	}
	return database
}

// receive returns the handler of CloudEvents from a database, or of those that say that a queue
// is to be looked at, which is nil if the store has none. An event that is not
// ours is logged and taken: another delivery would not make it better.
func receive(c *Cascade, database string, queue driver.Queue) func(context.Context, cloudevent.Event) error {
	return func(ctx context.Context, e cloudevent.Event) error {
		if queue != nil && e.Type() == DueEvent {
			return c.Drain(ctx, queue)
		}
		change, err := read(e).change(database)
		if err != nil {
			c.Log.LogAttrs(ctx, slog.LevelWarn, "event ignored", slog.String("reason", err.Error()))
			return nil
		}
		err = c.Handle(ctx, change)
		if errors.Is(err, store.ErrSignInPending) {
			return fmt.Errorf("%w: %w", boot.ErrAgain, err)
		}
		return err
	}
}

func read(e cloudevent.Event) event {
	text := func(name string) string {
		s, _ := e.Extensions()[name].(string)
		return s
	}
	return event{
		subject: e.Subject(), document: text("document"), database: text("database"),
		time: e.Time(), data: e.Data(),
	}
}
