package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"github.com/postern-dev/postern/cmd/postern/internal/changefeed"
	"github.com/postern-dev/postern/cmd/postern/internal/front"
	"github.com/postern-dev/postern/functions/authorize"
	"github.com/postern-dev/postern/functions/cascade"
	"github.com/postern-dev/postern/functions/connections"
	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/functions/register"
	"github.com/postern-dev/postern/functions/token"
	"github.com/postern-dev/postern/functions/wellknown"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/eventarc"
	"github.com/postern-dev/postern/shared/store/driver"
	"github.com/postern-dev/postern/shared/store/drivers"
	"github.com/postern-dev/postern/terraform/gateway"
)

// The functions by name, as this program runs them itself.
var (
	httpFunctions = map[string]boot.Build{
		"authorize":   authorize.Build(drivers.All),
		"connections": connections.Build(drivers.All),
		"mcp":         mcp.Build(drivers.All),
		"register":    register.Build(drivers.All),
		"token":       token.Build(drivers.All),
		"wellknown":   wellknown.Build,
	}
	eventFunctions = map[string]boot.BuildEvent[cloudevents.Event]{
		"cascade": cascade.Build(drivers.All),
	}
)

// openAll makes every function with the settings of env: a handler with the path map in
// front, and what a change of the store is delivered to. Every problem of every function is
// reported at once. What own has by name serves in place of functions.
func openAll(ctx context.Context, env *boot.Env, own map[string]boot.Build) (http.Handler, deliver, error) {
	m, err := gateway.Load()
	if err != nil {
		return nil, nil, err
	}
	builds := maps.Clone(httpFunctions)
	maps.Copy(builds, own)
	backends, problems := open(ctx, env, builds)
	receivers, more := open(ctx, env, eventFunctions)
	if err := config.Join(append(problems, more...)...); err != nil {
		return nil, nil, err
	}
	handler, err := front.New(m, backends)
	return handler, deliverTo(receivers), err
}

// open makes functions of one kind, by name.
func open[T any, B ~func(context.Context, *boot.Env) (T, error)](
	ctx context.Context, env *boot.Env, builds map[string]B,
) (made map[string]T, problems []error) {
	made = map[string]T{}
	for _, name := range slices.Sorted(maps.Keys(builds)) {
		f, err := boot.Open(ctx, name, builds[name], env)
		made[name], problems = f, append(problems, err)
	}
	return made, problems
}

type deliver = changefeed.Deliver

// deliverTo delivers a change to event functions as Eventarc would: as the same event.
func deliverTo(receivers map[string]func(context.Context, cloudevents.Event) error) deliver {
	return func(ctx context.Context, c driver.Change) error {
		r, err := eventarc.Request(ctx, "http://127.0.0.1/", "postern-dev", c)
		if err != nil {
			return err
		}
		e, err := cloudevents.NewEventFromHTTPRequest(r)
		if err != nil {
			return err
		}
		var errs []error
		for _, receive := range receivers {
			errs = append(errs, receive(ctx, *e))
		}
		return errors.Join(errs...)
	}
}

// followChanges delivers the changes of a store that reports its own until ctx ends; those
// of Firestore come by Eventarc, to the deployed function.
func followChanges(ctx context.Context, setting string, d deliver, log *slog.Logger) error {
	follow, closeFeed, err := changefeed.Open(ctx, setting)
	if err != nil {
		return err
	}
	if follow == nil {
		log.Info("changes of this store come by Eventarc: functions/cascade has to be deployed for them")
		return nil
	}
	go func() {
		follow(ctx, d, log)
		_ = closeFeed()
	}()
	return nil
}
