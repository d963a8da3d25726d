package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/operator"
	_ "github.com/postern-dev/postern/shared/store/firestoredriver" // --store firestore:…
)

// dashID is an id of a grant or document, or a key's, that begins with a dash, as one in
// sixty-four does.
var dashID = regexp.MustCompile(`^-[A-Za-z0-9_-]{42}$`)

// idsLast returns a command line in which ids that look like flags stand at the end,
// behind "--", where they are none. The value of a flag stays with it.
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

// newGroup makes a command that only holds others.
func newGroup(use, short, long string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{Use: use, Short: short, Long: long, Args: cobra.NoArgs}
	group.AddCommand(commands...)
	return group
}

// operate makes a command that opens the records and closes them afterwards.
func operate(o *operator.Options, cmd *cobra.Command, run func(ctx context.Context, op *operator.Operator, args []string) error) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		d, err := o.Open(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		return errors.Join(run(cmd.Context(), d, args), d.Close())
	}
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	return cmd
}

// complete completes the first argument from what list returns. What goes wrong is no
// matter for a completion.
func complete(o *operator.Options, list func(op *operator.Operator, ctx context.Context) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		d, err := o.Open(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer d.Close()
		return list(d, cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}
}

// confirm asks before what cannot be undone, unless it was said already.
func confirm(cmd *cobra.Command, yes bool, question string) error {
	if yes {
		return nil
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s Type yes to go on: ", question)
	answer, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was changed (--yes answers beforehand)")
	}
	return nil
}
