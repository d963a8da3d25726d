// Package serve is the main of a function's cmd: it checks the settings and serves the
// function under functions-framework. A deployed package does not link it; there the
// platform's own main does the same.
package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/postern-dev/postern/shared/boot"
)

// Main serves the function name, which build makes, on $HOST:$PORT, 127.0.0.1:8080 if they
// are not set. A bad setting ends the process with every problem at once. FUNCTION_TARGET
// may name the function, as its users know it, and nothing else.
func Main[T any](name string, build func(context.Context, *boot.Env) (T, error)) {
	if err := run(name, build); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run[T any](name string, build func(context.Context, *boot.Env) (T, error)) error {
	if target := os.Getenv("FUNCTION_TARGET"); target != "" && target != name {
		return fmt.Errorf("FUNCTION_TARGET is %q: this program has only %q", target, name)
	}
	if err := os.Setenv("FUNCTION_TARGET", name); err != nil {
		return err
	}
	// What serves was given to the framework in init; this is to see that it can be made.
	env := &boot.Env{}
	_, err := boot.Open(context.Background(), name, build, env)
	if err := errors.Join(err, env.Close()); err != nil {
		return err
	}
	return funcframework.StartHostPort(cmp.Or(os.Getenv("HOST"), "127.0.0.1"), cmp.Or(os.Getenv("PORT"), "8080"))
}
