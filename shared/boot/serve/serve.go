// Package serve is the main of a function's cmd: it checks the settings and serves the
// function under functions-framework. A deployed package does not call it; there the
// platform's own main does the same.
package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/postern-dev/postern/shared/boot"
)

// Main serves the function name, which build makes, on $HOST:$PORT, 127.0.0.1:8080 if they
// are not set. A bad setting ends the process with every problem at once. FUNCTION_TARGET
// may name the function, as its users know it, and nothing else.
func Main(name string, build boot.Build) {
	end(run(name, build, funcframework.RegisterHTTPFunctionContext(
		context.Background(), "/", boot.Handler(name, build))))
}

// MainEvent is [Main] for a function that events start.
func MainEvent(name string, build boot.BuildEvent[event.Event]) {
	end(run(name, build, funcframework.RegisterCloudEventFunctionContext(
		context.Background(), "/", boot.Event(name, build))))
}

func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// unnamed is a target that nothing was registered for by name: the deployed functions are.
// For such a target the framework takes what was registered last without a name.
const unnamed = "unnamed"

// run serves what was registered without a name, unless that failed.
func run[T any](name string, build func(context.Context, *boot.Env) (T, error), registered error) error {
	if registered != nil {
		return registered
	}
	if target := os.Getenv("FUNCTION_TARGET"); target != "" && target != name {
		return fmt.Errorf("FUNCTION_TARGET is %q: this program has only %q", target, name)
	}
	if err := os.Setenv("FUNCTION_TARGET", unnamed); err != nil {
		return err
	}
	env := &boot.Env{} // to see that it can be made; what serves is made on first use
	_, err := boot.Open(context.Background(), name, build, env)
	if err := errors.Join(err, env.Close()); err != nil {
		return err
	}
	return funcframework.StartHostPort(cmp.Or(os.Getenv("HOST"), "127.0.0.1"), cmp.Or(os.Getenv("PORT"), "8080"))
}
