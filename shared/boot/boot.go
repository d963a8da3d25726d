package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/version"
)

// A Build makes a function's handler. It does no network I/O, so that only a bad
// setting can fail a start. The context ends with the process or the program
// that opened the function.
type Build func(ctx context.Context, env *Env) (http.Handler, error)

// Open makes what build makes, a [Build] or a [BuildEvent], with an environment of the
// caller's: so one program serves many functions, and checks settings before it serves.
// Each call builds anew. Its error names the function.
func Open[T any](ctx context.Context, name string, build func(context.Context, *Env) (T, error), env *Env) (T, error) {
	env.settle(name)
	built, err := build(ctx, env)
	if err != nil {
		var none T
		return none, fmt.Errorf("start %s: %w", name, err)
	}
	return built, nil
}

// Handler returns what serves a function from the process's environment, for
// functions.HTTP. A build that fails on first use is answered 503 and logged, once; a
// bad setting does not get better by trying again.
func Handler(name string, b Build) http.HandlerFunc {
	f := newFunction(name, b)
	return func(w http.ResponseWriter, r *http.Request) {
		h, err := f.get()
		if err != nil {
			unavailable.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}
}

// unavailable answers for a function that could not be built.
var unavailable = edge.Wrap(edge.Everything(edge.JSONErrors(func(http.ResponseWriter, *http.Request) error {
	return errNotBuilt
})), edge.Options{Deployment: edge.Deployment{Issuer: placeholder()}})

var errNotBuilt = errors.New("the function is not configured")

// placeholder is an issuer that appears nowhere: unavailable must answer callers
// of any address, and knows no issuer.
func placeholder() origin.Origin {
	o, err := origin.Parse("https://unconfigured.invalid")
	if err != nil {
		panic(err)
	}
	return o
}

// A function is a build and, once it was asked for, its result for the process's
// environment.
type function[T any] struct {
	name  string
	build func(context.Context, *Env) (T, error)
	once  sync.Once
	built T
	log   *slog.Logger
	err   error
}

// newFunction returns a function that is built on first use. On Cloud Run it is built at
// once, and the process ends if that fails; unless the program was deployed for another
// function that it has too, as one with an author's own tools is.
func newFunction[T any](name string, build func(context.Context, *Env) (T, error)) *function[T] {
	f := &function[T]{name: name, build: build}
	if target := os.Getenv("FUNCTION_TARGET"); !deployed(os.LookupEnv) || target != "" && target != name {
		return f
	}
	if _, err := f.get(); err != nil {
		exit(1)
	}
	return f
}

// exit is replaced in tests.
var exit = os.Exit

// get builds f from the process's environment, once, and logs that it started, or why it did not.
func (f *function[T]) get() (T, error) {
	f.once.Do(func() {
		tuneCollector(os.LookupEnv, limits)
		env := &Env{}
		f.built, f.err = Open(context.Background(), f.name, f.build, env)
		f.log = env.Log
		if f.err != nil {
			env.Log.Error("function "+f.name+" cannot start", "endpoint", f.name, "error", f.err)
			return
		}
		env.Log.Info("function "+f.name+" started", "endpoint", f.name, "version", version.String())
	})
	return f.built, f.err
}
