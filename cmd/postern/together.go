package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/front"
	"github.com/postern-dev/postern/cmd/postern/internal/localkeys"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
	_ "github.com/postern-dev/postern/shared/store/embedded"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/shared/version"
)

// A together is everything in one process, as dev and serve run it.
type together struct {
	env    *boot.Env
	listen string
	own    map[string]boot.Build // in place of functions, by name
	// serve answers on a listener until ctx ends.
	serve func(ctx context.Context, l net.Listener, h http.Handler) error
}

// run makes every function, listens, follows the changes of the store and serves.
// Problems are those that were found already; all of them are reported at once.
func (t together) run(ctx context.Context, problems ...error) error {
	handler, deliver, err := openAll(ctx, t.env, t.own)
	defer t.env.Close()
	if err := config.Join(append(problems, err)...); err != nil {
		return err
	}
	listener, err := front.Listen("--listen", t.listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := followChanges(ctx, t.env.Settings().String("STORE"), deliver, t.env.Log); err != nil {
		return err
	}
	return t.serve(ctx, listener, handler)
}

// localEnvironment is the process's environment over defaults, with records and keys
// under the directory data.
func localEnvironment(data string, defaults map[string]string) *boot.Env {
	all := map[string]string{"STORE": "embedded:" + data}
	maps.Copy(all, keysUnder(data).Settings())
	maps.Copy(all, defaults)
	env := &boot.Env{Lookup: config.Overlay(os.LookupEnv, config.Map(all)), Resident: true}
	env.Log = telemetry.NewLogger(os.Stderr, logLevel(env), "")
	return env
}

// openLog gives env the log of a server in this process, in the form of --log, and writes
// its first line.
func openLog(env *boot.Env, out *cli.Output, form, command string) (err error) {
	if env.Log, err = out.Logger(form, logLevel(env)); err != nil {
		return err
	}
	env.Log.Info("postern "+command+" starts", "version", version.String())
	return nil
}

// logLevel returns the level of the settings, info if they name
// another, which the functions complain of.
func logLevel(env *boot.Env) slog.Level {
	level, err := telemetry.ParseLevel(env.Settings().Enum("LOG_LEVEL"))
	if err != nil {
		return slog.LevelInfo
	}
	return level
}

func keysUnder(data string) localkeys.Dir { return localkeys.Dir(filepath.Join(data, "keys")) }

// makeKeys makes the rings under data that are missing, if a server with the settings of
// env reads any of them, and there are no records yet.
func makeKeys(env *boot.Env, data string) error {
	if !readsKeysUnder(env, data) {
		return nil
	}
	records := data
	if dir, ok := embeddedDir(env); ok {
		records = dir
	}
	_, err := os.Stat(filepath.Join(records, "postern.db"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for records: %w", err)
	}
	return keysUnder(data).Ensure(err == nil)
}

// readsKeysUnder reports whether a ring under data is one of env's.
func readsKeysUnder(env *boot.Env, data string) bool {
	for name, file := range keysUnder(data).Settings() {
		if got, _ := env.Lookup(name); got == file {
			return true
		}
	}
	return false
}

// embeddedDir returns where the records are, if they are in files of this machine.
func embeddedDir(env *boot.Env) (string, bool) {
	return strings.CutPrefix(env.Settings().String("STORE"), "embedded:")
}
