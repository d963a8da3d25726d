package boot

import (
	"context"
	"errors"
	"log/slog"

	"github.com/postern-dev/postern/shared/telemetry"
)

// A BuildEvent makes the handler of a function that events start. E is the
// event's type, CloudEvents' in production; boot does not name it, so that HTTP
// functions do not link that library.
type BuildEvent[E any] func(ctx context.Context, env *Env) (func(context.Context, E) error, error)

// Observed lets what is configured in env see each event that handle is given.
func Observed[E any](env *Env, handle func(context.Context, E) error) func(context.Context, E) error {
	if env.Observer == nil {
		return handle
	}
	name, observer := env.Name, env.Observer
	return func(ctx context.Context, e E) error {
		ctx = telemetry.Begin(ctx, telemetry.NewRequestID(), telemetry.Trace{})
		telemetry.Observe(ctx, observer)
		ctx, span := telemetry.StartRequest(ctx, telemetry.KindEvent, name)
		span.Label("faas.trigger", "datasource")
		defer telemetry.Flush(ctx)
		outcome, failure := "panic", "panic"
		defer func() { span.End(outcome, failure) }()
		err := handle(ctx, e)
		switch {
		case err == nil:
			outcome, failure = "ok", ""
		case errors.Is(err, ErrAgain):
			outcome, failure = "again", ""
		default:
			outcome, failure = "fault", "fault"
		}
		return err
	}
}

// ErrAgain marks an error of an event function that is not a fault: the event has to come
// again later, and nobody need be woken.
var ErrAgain = errors.New("the event has to come again")

// errEvent is all that the framework is told: it prints an error's text as a
// format and copies it into the answer.
var errEvent = errors.New("the event was not handled")

// Event is [Handler] for a function that events start, for functions.CloudEvent.
// An error of the handler is logged here and returned as a constant, which makes
// the platform deliver the event again.
func Event[E any](name string, b BuildEvent[E]) func(context.Context, E) error {
	f := newFunction(name, b)
	return func(ctx context.Context, e E) error {
		h, err := f.get()
		if err != nil {
			return errEvent
		}
		if err := h(ctx, e); err != nil {
			level := slog.LevelError
			if errors.Is(err, ErrAgain) {
				level = slog.LevelInfo
			}
			f.log.LogAttrs(ctx, level, "event not handled", slog.String("endpoint", name), slog.Any("error", err))
			return errEvent
		}
		return nil
	}
}
