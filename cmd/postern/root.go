package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/version"
)

func newRoot(out *cli.Output) *cobra.Command {
	root := newGroup("postern", "A login in front of an MCP server that never forgets a client", "",
		newDev(out), newServe(out), newEmulate(out), newDoctor(out),
		newKeys(out), newClients(out), newGrants(out), newUsers(out), newUpstreams(out), newStats(out), newStore(out),
		newImport(out), newPages(out), newVersion(out))
	root.Version = version.String()
	root.SetVersionTemplate(versionLine())
	root.SilenceUsage, root.SilenceErrors = true, true
	root.SetIn(out.In)
	root.SetOut(out.Out)
	root.SetErr(out.Err)
	root.SetHelpCommand(newHelp())
	root.SetFlagErrorFunc(flagMisuse)
	checkArgs(root)
	return root
}

// newGroup makes a command that only holds others. Alone it is a question of a person; a
// program that asks for JSON forgot something, and must not read that nothing is there.
func newGroup(use, short, long string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{
		Use: use, Short: short, Long: long, Args: subcommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if json := cmd.Flag("json"); json != nil && json.Changed {
				return misuse(cmd, cli.Usage("%s needs a command", cmd.CommandPath()))
			}
			return cmd.Help()
		},
	}
	group.AddCommand(commands...)
	return group
}

// subcommand is the rule for the arguments of a command that holds others: whatever is
// left was meant for one that does not exist.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if close := cmd.SuggestionsFor(args[0]); len(close) > 0 {
		didYouMean := strings.Join(close, " or ")
		return cli.Usage("unknown command %q for %q: did you mean %s?", args[0], cmd.CommandPath(), didYouMean)
	}
	return cli.Usage("unknown command %q for %q", args[0], cmd.CommandPath())
}

// one is the rule for the arguments of a command about one thing, which what names.
func one(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("say which: %s is missing", what)
		}
		return tooMany(args, 1)
	}
}

// none is the rule for the arguments of a command that takes flags alone.
func none(_ *cobra.Command, args []string) error { return tooMany(args, 0) }

// atMostOne is the rule for the arguments of a command that can do without its one.
func atMostOne(_ *cobra.Command, args []string) error { return tooMany(args, 1) }

func tooMany(args []string, most int) error {
	if len(args) > most {
		return fmt.Errorf("%q is one argument too many", args[most])
	}
	return nil
}

// misspelt returns the error of a command line that names a command that does not exist,
// before flags that are unknown only because of that.
func misspelt(root *cobra.Command, args []string) error {
	group, rest, err := root.Find(args)
	if err != nil || !group.HasSubCommands() || len(rest) == 0 || strings.HasPrefix(rest[0], "-") {
		return nil
	}
	return group.ValidateArgs(rest)
}

// checkArgs lets every command below cmd, and cmd, say how it is used when its arguments
// are wrong.
func checkArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return misuse(cmd, err)
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		checkArgs(c)
	}
}

// misuse returns err as one about the command line, and says where to read on.
func misuse(cmd *cobra.Command, err error) error {
	return cli.Usage("%w (see %s --help)", err, cmd.CommandPath())
}

// newHelp makes the command that explains others.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return misuse(cmd.Root(), err)
			}
			if err := about.ValidateArgs(rest); err != nil && about.HasSubCommands() {
				return err
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}
