package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
)

// dashID is an id of a grant or document, or a key's, that begins with a dash, as one in
// sixty-four does.
var dashID = regexp.MustCompile(`^-[A-Za-z0-9_-]{42}$`)

// idsLast returns a command line in which ids that look like flags stand at the end,
// behind "--", where they are not taken for flags. The value of a flag stays with it.
func idsLast(args []string) []string {
	if len(args) > 0 && strings.HasPrefix(args[0], "__complete") || slices.Contains(args, "--") {
		return args
	}
	var rest, ids []string
	for i, arg := range args {
		if dashID.MatchString(arg) && (i == 0 || !slices.Contains([]string{"--user", "--client"}, args[i-1])) {
			ids = append(ids, arg)
			continue
		}
		rest = append(rest, arg)
	}
	if ids == nil {
		return args
	}
	return append(append(rest, "--"), ids...)
}

// An operation is what a command does with the records of a server.
type operation func(ctx context.Context, op *operator.Operator, args []string) error

// operate makes a command that opens the records of a server, works on them and closes
// them. Its errors name the store.
func operate(out *cli.Output, o *operator.Options, cmd *cobra.Command, run operation) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		out.From(o.Where())
		defer out.Begin("reading " + o.Where())()
		op, err := o.Open(cmd.Context(), out)
		if err == nil {
			err = errors.Join(run(cmd.Context(), op, args), op.Close())
		}
		if err == nil || cli.IsUsage(err) {
			return err
		}
		return fmt.Errorf("%s: %w", o.Where(), err)
	}
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	return cmd
}

// complete completes the first argument from what list returns. A completion does
// not say what goes wrong.
func complete(
	out *cli.Output, o *operator.Options, list func(op *operator.Operator, ctx context.Context) []string,
) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		op, err := o.Open(cmd.Context(), out)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer op.Close()
		return list(op, cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}
}

// bindYes makes the flag that answers the question before something that cannot be undone.
func bindYes(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("yes", false, "do not ask; where nobody can be asked, nothing is done without it")
}
