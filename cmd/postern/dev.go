package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/front"
	"github.com/postern-dev/postern/shared/boot"
)

func newDev(out *cli.Output) *cobra.Command {
	var o devOptions
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run everything on one port of this computer",
		Long: "Run everything on one port of this computer.\n\n" +
			"It reads the functions' settings (docs/configuration.md). With none set it keeps its records and keys\n" +
			"under the data directory, signs people in with a form that believes every name, and lets anyone in.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.command.check(cmd); err != nil {
				return err
			}
			if o.tools != "" && o.upstream != "" {
				return cli.Usage("--tools and --upstream both say what serves /mcp: leave one of them out")
			}
			return runDev(cmd.Context(), out, o)
		},
	}
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8085", "address to listen on")
	cmd.Flags().StringVar(&o.data, "data", ".postern", "directory of records and keys")
	cli.BindLog(cmd.Flags(), &o.log)
	cmd.Flags().StringVar(&o.tools, "tools", "",
		"address of a program with tools of your own (docs/tools.md), like http://127.0.0.1:8080; it serves /mcp")
	addUpstream(cmd, &o.upstream)
	addCommand(cmd, &o.command)
	return cmd
}

type devOptions struct {
	listen, data, log, tools, upstream string
	command                            command
}

// runDev serves until ctx ends.
func runDev(ctx context.Context, out *cli.Output, o devOptions) error {
	env, err := devEnvironment(o.data)
	if err != nil {
		return err
	}
	withUpstream(env, o.upstream)
	if err := openLog(env, out, o.log, "dev"); err != nil {
		return err
	}
	own, end, err := o.own(ctx, env)
	if err != nil {
		return err
	}
	defer end()
	serve := func(ctx context.Context, l net.Listener, h http.Handler) error {
		if err := checkListener(env, l.Addr()); err != nil {
			return err
		}
		printWelcome(out.Out, env, devOrigin(env, l.Addr()), recordsOf(env), o.command.args)
		if env.Settings().Has("ISSUER_URL") {
			fmt.Fprintf(out.Out, "Listening on %s for that origin.\n", l.Addr())
		}
		return front.Serve(ctx, l, h, front.Options{})
	}
	return together{env, o.listen, own, serve}.run(ctx)
}

// own returns what serves in place of functions, and what ends it.
func (o devOptions) own(ctx context.Context, env *boot.Env) (own map[string]boot.Build, end func(), err error) {
	if o.tools == "" {
		return o.command.open(ctx, env)
	}
	tools, err := ownTools(o.tools, env.Log)
	build := func(context.Context, *boot.Env) (http.Handler, error) { return tools, nil }
	return map[string]boot.Build{"mcp": build}, func() {}, err
}

// devEnvironment is the process's environment over the defaults of development, with the
// keys that are missing made. Development sign-in and "anyone" come together or not at
// all: whoever configures an identity provider has to say who may enter.
func devEnvironment(data string) (*boot.Env, error) {
	defaults := map[string]string{}
	if os.Getenv("IDENTITY_PROVIDER") == "" {
		defaults["IDENTITY_PROVIDER"] = "development"
		defaults["ALLOW"] = "anyone"
	}
	env := localEnvironment(data, defaults)
	return env, makeKeys(env, data)
}

// checkListener refuses to offer the development sign-in to other computers.
func checkListener(env *boot.Env, addr net.Addr) error {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && !tcp.IP.IsLoopback() && env.Settings().Enum("IDENTITY_PROVIDER") == "development" {
		return fmt.Errorf("the development sign-in lets everybody be anybody: "+
			"listen on 127.0.0.1, not on %s, or set IDENTITY_PROVIDER", addr)
	}
	return nil
}

// devOrigin is the address people use: the configured one, or the listener's.
func devOrigin(env *boot.Env, addr net.Addr) string {
	if origin := env.Settings().String("ISSUER_URL"); origin != "" {
		return origin
	}
	return "http://" + addr.String()
}
