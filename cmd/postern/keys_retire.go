package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
)

func newKeysRetire(out *cli.Output, o *keysOptions) *cobra.Command {
	var now bool
	cmd := &cobra.Command{
		Use:   "retire KEY",
		Short: "Remove a key that nothing needs any more, or a stolen one --now", Args: one("KEY"),
		Long: "Remove a key that nothing needs any more. It refuses the key that writes, and one whose tokens or\n" +
			"sign-ins may still be in use; records that a Fernet key sealed are sealed again first.\n\n" +
			"--now is for an emergency, such as a stolen key: it removes the key at once, says what that breaks,\n" +
			"and lets a new key write if it was the one that did.",
		ValidArgsFunction: completeKeys(o),
	}
	cmd.Flags().BoolVar(&now, "now", false, "at once, whatever it breaks")
	yes := bindYes(cmd)
	return withKeys(out, o, cmd, func(ctx context.Context, k keysRun, args []string) error {
		ring, key, err := k.Find(ctx, args[0])
		if err != nil {
			return err
		}
		if now {
			return k.retireNow(ctx, ring, key, *yes)
		}
		if _, err := k.Retire(ctx, ring, key); err != nil {
			return err
		}
		return k.out.Say(map[string]string{"ring": ring, "retired": key}, "%s: retired %s", ring, key)
	})
}

// retireNow says what the emergency breaks, asks, and does it.
func (k keysRun) retireNow(ctx context.Context, ring, key string, yes bool) error {
	damage, err := k.damage(ctx, ring, key)
	if err != nil {
		return err
	}
	fmt.Fprint(k.out.Err, damage)
	if err := k.out.Confirm(yes, "Retire "+key+" now?"); err != nil {
		return err
	}
	writes, err := k.RetireNow(ctx, ring, key)
	if err != nil {
		return err
	}
	return k.out.Say(map[string]string{"ring": ring, "retired": key, "writes": writes},
		"%s: retired %s; %s writes", ring, key, writes)
}

const signingDamage = `Retiring %s at once:
  - access tokens that it signed are refused; clients refresh them, nobody has to sign in again
  - servers that have read the ring within KEYS_MAX_AGE (5m) go on accepting and making them until they read it again;
    a new deployment of token, wellknown and mcp makes them read it at once
  - programs outside that cache the JWKS keep the key for as long as they cache
`

const identityDamage = `Retiring %s at once:
  - MCP servers behind this one refuse what it signed, as soon as they read the keys again; mcp signs anew with the
    next call, and nobody has to sign in again
  - functions that have read the ring within KEYS_MAX_AGE (5m) go on signing with it until they read it again, and those
    calls fail; a new deployment of mcp makes it read the ring at once
  - a server that caches the keys takes what the key signs for as long as it caches: restart it after a theft
`

const fernetDamage = `Retiring %s at once:
  - sealed with it and unreadable from then on: %s
  - sign-ins under way fail and have to be started again
  - servers that have read the ring within KEYS_MAX_AGE (5m) go on sealing with it until they read it again, and what
    they seal is lost as well; a new deployment of all functions makes them read it at once
  - afterwards postern keys reseal --remove-unreadable clears away what is lost: those clients register again, and
    those people sign in again
To keep the records, rotate instead: postern keys rotate fernet-keys --wait 0s
`

// damage says what retiring a key at once breaks.
func (k keysRun) damage(ctx context.Context, ring, key string) (string, error) {
	switch ring {
	case keyring.Signing:
		return fmt.Sprintf(signingDamage, key), nil
	case keyring.Identity:
		return fmt.Sprintf(identityDamage, key), nil
	}
	sealed := "unknown, the store cannot be read"
	usage, err := k.usage(ctx)
	if err == nil {
		sealed = operator.UsageText(usage[key])
	} else if ctx.Err() != nil {
		return "", err
	} else {
		sealed += " (" + err.Error() + ")"
	}
	return fmt.Sprintf(fernetDamage, key, sealed), nil
}

func completeKeys(o *keysOptions) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		backend, closeBackend, err := o.Backend(cmd.Context())
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer func() { _ = closeBackend() }()
		var names []string
		c := keyring.Store{Backend: backend}
		for _, ring := range c.Status(cmd.Context()) {
			for _, key := range ring.Keys {
				if ring.Ring != keyring.Verification {
					names = append(names, fmt.Sprintf("%s\t%s %s", key.Key, ring.Ring, key.State))
				}
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
