package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/emulate"
	"github.com/postern-dev/postern/shared/boot"
)

func newEmulate(out *cli.Output) *cobra.Command {
	var c emulate.Config
	var log, upstream string
	cmd := &cobra.Command{
		Use:   "emulate",
		Short: "Run each function as its own process behind a gateway, as deployed",
		Long: "Run each function as its own process behind a gateway, as deployed.\n\n" +
			"It builds the functions from the source tree, starts them under functions-framework on free ports\n" +
			"of this computer, and puts a gateway in front that does to requests and answers what API Gateway\n" +
			"does; with --front load-balancer, what a load balancer straight before them does. It reads the same\n" +
			"settings as dev. --store embedded keeps records under the data directory; --store firestore runs the\n" +
			"packages as they are deployed over the Firestore emulator, which begins empty each time. With\n" +
			"STORE=postgres://… it is PostgreSQL, unless --store says otherwise.",
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.Progress = out.Begin
			if !cmd.Flags().Changed("store") && strings.HasPrefix(os.Getenv("STORE"), emulate.Postgres+":") {
				c.Store = emulate.Postgres
			}
			return runEmulate(cmd.Context(), out, log, upstream, c)
		},
	}
	cmd.Flags().StringVar(&c.Listen, "listen", "127.0.0.1:8085", "address to listen on")
	cmd.Flags().StringVar(&c.Front, "front", emulate.APIGateway, "api-gateway or load-balancer, as terraform's front")
	cmd.Flags().IntVar(&c.Replicas, "replicas", 1, "processes of each function")
	cmd.Flags().StringVar(&c.Store, "store", emulate.Embedded, "embedded, firestore or postgres")
	cmd.Flags().StringVar(&c.Data, "data", ".postern", "directory of records and keys")
	cli.BindLog(cmd.Flags(), &log)
	addUpstream(cmd, &upstream)
	cmd.Flags().IntVar(&c.DropEvery, "drop-every", 0,
		"lose every n-th answer, so that the gateway repeats a request that was done")
	_ = cmd.Flags().MarkHidden("drop-every") // for tests; the name is right above
	return cmd
}

// runEmulate serves until ctx ends. log is the form of the log, upstream the URL of a server behind.
func runEmulate(ctx context.Context, out *cli.Output, log, upstream string, c emulate.Config) error {
	root, err := emulate.FindRoot()
	if err != nil {
		return err
	}
	c.Root = root
	env, err := devEnvironment(c.Data)
	if err != nil {
		return err
	}
	withUpstream(env, upstream)
	// The default of dev is not for every kind of store that emulate has.
	c.Lookup = func(name string) (string, bool) {
		if name == "STORE" {
			return os.LookupEnv(name)
		}
		return env.Lookup(name)
	}
	if err := openLog(env, out, log, "emulate"); err != nil {
		return err
	}
	c.Log, c.Output = env.Log, out.Lines(log, env.Log)
	c.Check = checkFunctions
	c.Ready = func(origin string) {
		records := recordsOf(env)
		if c.Store == emulate.Firestore {
			records = "the Firestore emulator, and end with it"
		}
		printWelcome(out.Out, env, origin, records, nil)
	}
	return emulate.Run(ctx, c)
}

// checkFunctions makes every function once, in this process, so that every problem of
// every setting is told at once and before anything starts.
func checkFunctions(ctx context.Context, settings func(string) (string, bool), addr net.Addr) error {
	env := &boot.Env{Lookup: settings, Log: slog.New(slog.DiscardHandler)}
	defer env.Close()
	if err := checkListener(env, addr); err != nil {
		return err
	}
	_, _, err := openAll(ctx, env, nil)
	return err
}
