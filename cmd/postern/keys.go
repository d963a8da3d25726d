package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/telemetry"
)

const keysLong = `Make, change and retire the keys of a server, without a restart and without a failed request.

There are four rings. The first key of a ring writes, all of them read:

  fernet-keys        seals records, forms and cookies
  signing-keys       signs access tokens
  verification-keys  the public halves, which follow signing-keys
  identity-keys      signs what tells MCP servers behind this one who calls

A new key is staged, so that every server has it before one uses it; promoted; and the old one retired when
nothing needs it any more. rotate does all of that with the waits in between. Keys are named by fingerprint.`

// keysOptions are the flags of all the commands about keys.
type keysOptions struct {
	operator.Options
	wait time.Duration
	keep int
}

func newKeys(out *cli.Output) *cobra.Command {
	var o keysOptions
	group := newGroup("keys", "Rotate the keys that seal and sign", keysLong,
		newKeysCreate(out, &o), newKeysStatus(out, &o),
		newKeysStage(out, &o), newKeysPromote(out, &o), newKeysReseal(out, &o),
		newKeysRetire(out, &o), newKeysRotate(out, &o))
	f := group.PersistentFlags()
	o.Bind(f)
	out.Bind(f)
	f.DurationVar(&o.wait, "wait", 6*time.Minute, "until every server has read a changed ring; "+
		"longer than the servers' KEYS_MAX_AGE, which is 5m unless set")
	f.IntVar(&o.keep, "keep", 10,
		"versions of a ring that Secret Manager keeps; records from a backup need the keys of its time")
	return group
}

// A keysRun is what the commands about keys work with.
type keysRun struct {
	*keyring.Store
	out *cli.Output
	o   *keysOptions
}

// withKeys makes a command about keys. Its errors name the place of the rings.
func withKeys(out *cli.Output, o *keysOptions, cmd *cobra.Command,
	run func(ctx context.Context, k keysRun, args []string) error,
) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		backend, closeBackend, err := o.Backend(ctx)
		if err != nil {
			return err
		}
		out.From(backend.String())
		defer out.Begin("reading keys in " + backend.String())()
		k := keysRun{out: out, o: o}
		k.Store, err = o.ringStore(out, backend)
		if err == nil {
			k.Reseal = k.resealAll
			err = run(ctx, k, args)
		}
		err = errors.Join(err, closeBackend())
		if err == nil || cli.IsUsage(err) {
			return err
		}
		return fmt.Errorf("%s: %w", backend, err)
	}
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	return cmd
}

// ringStore returns the rings, with the lifetimes of the settings in the environment.
func (o *keysOptions) ringStore(out *cli.Output, b keyring.Backend) (*keyring.Store, error) {
	r := config.Read(os.LookupEnv)
	c := &keyring.Store{
		Backend: b,
		Waits: keyring.Waits{
			Readers: o.wait, AccessTokens: r.Duration("ACCESS_TOKEN_TTL"), SignIns: r.Duration("SIGN_IN_TTL"),
			IdentityTokens: r.Duration("IDENTITY_TOKEN_TTL"),
		},
		Keep: o.keep,
		Log:  telemetry.NewLogger(out.Err, nil, ""),
	}
	return c, r.Err()
}

func newKeysCreate(out *cli.Output, o *keysOptions) *cobra.Command {
	return withKeys(out, o, &cobra.Command{
		Use: "create", Short: "Make the rings that are missing", Args: none,
		Long: "Make the rings that are missing. One that is there stays as it is.",
	}, func(ctx context.Context, k keysRun, _ []string) error {
		created, err := k.Create(ctx)
		if err != nil {
			return err
		}
		if len(created) == 0 {
			none := map[string]any{"created": []string{}}
			return k.out.Say(none, "all rings are there already, in %s", k.Backend)
		}
		return k.out.Say(map[string]any{"created": created}, "created %s in %s", strings.Join(created, ", "), k.Backend)
	})
}

func newKeysStage(out *cli.Output, o *keysOptions) *cobra.Command {
	return withKeys(out, o, &cobra.Command{
		Use: "stage RING", Short: "Put a new key into a ring, which does not write yet", Args: one("RING"),
		Long: "Put a new key into a ring. It does not write yet; a signing key is published. " +
			"A key that is staged already stays.",
		ValidArgsFunction: cobra.FixedCompletions(writingRings, cobra.ShellCompDirectiveNoFileComp),
	}, func(ctx context.Context, k keysRun, args []string) error {
		key, err := k.Stage(ctx, args[0])
		if err != nil {
			return err
		}
		return k.out.Say(map[string]string{"ring": args[0], "staged": key},
			"%s: staged %s; promote it in %s", args[0], key, k.Waits.Readers)
	})
}

// writingRings are the rings that are changed; verification-keys follows.
var writingRings = keyring.Writing()

func newKeysPromote(out *cli.Output, o *keysOptions) *cobra.Command {
	var early bool
	cmd := withKeys(out, o, &cobra.Command{
		Use: "promote RING [KEY]", Short: "Let a key write: the staged one, or KEY", Args: cobra.RangeArgs(1, 2),
		Long: "Let a key of a ring write: the staged one, " +
			"or an older one to go back to. It refuses while a server may not have it.",
		ValidArgsFunction: cobra.FixedCompletions(writingRings, cobra.ShellCompDirectiveNoFileComp),
	}, func(ctx context.Context, k keysRun, args []string) error {
		key, err := k.Promote(ctx, args[0], append(args, "")[1], early)
		if err != nil {
			return err
		}
		return k.out.Say(map[string]string{"ring": args[0], "promoted": key}, "%s: %s writes", args[0], key)
	})
	cmd.Flags().BoolVar(&early, "early", false,
		"do not wait: servers that have not read the ring yet have to look again, at most once a second")
	return cmd
}

func newKeysRotate(out *cli.Output, o *keysOptions) *cobra.Command {
	return withKeys(out, o, &cobra.Command{
		Use: "rotate [RING...]", Short: "Replace the keys of rings, with all waits",
		Long: "Replace the keys of all rings, or of those named: stage, wait, promote, wait, seal records again,\n" +
			"retire. --wait must be longer than KEYS_MAX_AGE of the servers, or a key writes before every server\n" +
			"has it.\n" +
			"It takes a little over an hour, most of it waiting until access tokens of the old key have expired.\n" +
			"It may be interrupted at any time and run again: what comes next is seen from the rings. A rotation\n" +
			"that is under way is finished, and no second one begun.",
		ValidArgsFunction: cobra.FixedCompletions(writingRings, cobra.ShellCompDirectiveNoFileComp),
	}, func(ctx context.Context, k keysRun, args []string) error {
		rings := writingRings
		if len(args) > 0 {
			rings = slices.Compact(slices.Sorted(slices.Values(args)))
		}
		took := []keyring.Step{}
		r := keyring.Rotation{Store: k.Store, Rings: rings, Wait: k.waitFor, Took: func(s keyring.Step) {
			took = append(took, s)
			k.out.Note("%s  %s", cli.Clock(time.Now()), s)
		}}
		left, err := r.Run(ctx)
		for _, ring := range left {
			k.out.Note("%s: left as it is, only another ring's rotation was under way; run it again to rotate this one",
				ring)
		}
		if err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("interrupted after %s; run it again to go on", cli.Count(len(took), "step", "steps"))
			}
			return err
		}
		return k.out.Say(map[string]any{"steps": took}, "done: %s", strings.Join(rings, ", "))
	})
}

// waitFor waits until a step is due, and says so.
func (k keysRun) waitFor(ctx context.Context, until time.Time, next keyring.Step) error {
	k.out.Note("%s  waiting until %s to %s in %s", cli.Clock(time.Now()), cli.Clock(until), next.Action, next.Ring)
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
