package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/origin"
)

// A Build makes a function's handler. It does no network I/O, so that only a bad
// setting can fail a start. The context ends with the process or the program
// that opened the function.
type Build func(ctx context.Context, env *Env) (http.Handler, error)

var (
	mu       sync.Mutex
	handlers = map[string]*function[http.Handler]{} // guarded by mu
)

// Handler registers a function and returns what serves it from the process's
// environment, for functions.HTTP. It is called from init and panics if the name
// is taken. A build that fails on first use is answered 503 and logged, once; a
// bad setting does not get better by trying again.
func Handler(name string, b Build) http.HandlerFunc {
	f := &function[http.Handler]{name: name, build: b}
	mu.Lock()
	_, taken := handlers[name]
	handlers[name] = f
	mu.Unlock()
	if taken {
		panic("boot: function registered twice: " + name)
	}
	f.early()
	return func(w http.ResponseWriter, r *http.Request) {
		h, err := f.get()
		if err != nil {
			unavailable.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}
}

// Open builds a registered function with an environment of the caller's. Each
// call builds anew.
func Open(ctx context.Context, name string, env *Env) (http.Handler, error) {
	f, err := find(name)
	if err != nil {
		return nil, err
	}
	return f.open(ctx, env)
}

// Names returns the names of all registered HTTP functions, sorted.
func Names() []string {
	mu.Lock()
	defer mu.Unlock()
	return slices.Sorted(maps.Keys(handlers))
}

// Check builds a registered function, HTTP or event, from the process's
// environment now, so that a program can end on a bad setting instead of serving
// it. What it builds is what will serve.
func Check(_ context.Context, name string) error {
	if f, err := find(name); err == nil {
		_, err := f.get()
		return err
	}
	mu.Lock()
	check, ok := events[name]
	mu.Unlock()
	if !ok {
		return fmt.Errorf("boot: no function is named %q", name)
	}
	return check.check()
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

// A function is a registered build and, once it was asked for, its result for
// the process's environment.
type function[T any] struct {
	name  string
	build func(context.Context, *Env) (T, error)
	once  sync.Once
	built T
	log   *slog.Logger
	err   error
}

func find(name string) (*function[http.Handler], error) {
	mu.Lock()
	defer mu.Unlock()
	f, ok := handlers[name]
	if !ok {
		return nil, fmt.Errorf("boot: no function is named %q", name)
	}
	return f, nil
}

// early builds f at once on Cloud Run and ends the process if that fails.
func (f *function[T]) early() {
	if !deployed(os.LookupEnv) {
		return
	}
	if _, err := f.get(); err != nil {
		exit(1)
	}
}

// exit is replaced in tests.
var exit = os.Exit

// get builds f from the process's environment, once, and logs why if it fails.
func (f *function[T]) get() (T, error) {
	f.once.Do(func() {
		env := &Env{}
		f.built, f.err = f.open(context.Background(), env)
		f.log = env.Log
		if f.err != nil {
			env.Log.Error("function "+f.name+" cannot start", "endpoint", f.name, "error", f.err)
		}
	})
	return f.built, f.err
}

// open builds f with env.
func (f *function[T]) open(ctx context.Context, env *Env) (T, error) {
	env.settle(f.name)
	built, err := f.build(ctx, env)
	if err != nil {
		var none T
		return none, fmt.Errorf("start %s: %w", f.name, err)
	}
	return built, nil
}
