package cascade

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/shared/upstream"
)

// settle ends the upstream token of a person, by their document id, if nothing needs it.
//
// It is revoked before it is forgotten: a token that is forgotten first and not revoked
// because of a crash could never be found again. Revoking twice does no harm. A person
// who signs in meanwhile has got another token, which stays.
func (c *Cascade) settle(ctx context.Context, person string) error {
	account, err := c.Store.UnneededToken(ctx, person)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look whether the upstream token is needed: %w", err)
	}
	if err := c.revoke(ctx, person, account); err != nil {
		return err
	}
	dropped, err := c.Store.DropUpstreamToken(ctx, person, account.UpstreamToken)
	if err != nil {
		return fmt.Errorf("forget the upstream token: %w", err)
	}
	if dropped {
		telemetry.Audit(ctx, c.Log, telemetry.UpstreamTokenDropped, slog.String("person", person))
	}
	return nil
}

// revoke ends an account's token at the provider. What this server cannot end, because
// another provider or another app gave it, is only forgotten.
func (c *Cascade) revoke(ctx context.Context, person string, account store.Account) error {
	revoker, ok := c.Provider.(upstream.Revoker)
	if !ok || !strings.HasPrefix(account.Subject, c.Provider.Name()+":") {
		c.onlyForgotten(ctx, person, "this server's identity provider did not give it, or cannot end tokens")
		return nil
	}
	token, err := upstream.UnmarshalToken(account.UpstreamToken)
	if err != nil {
		return err
	}
	err = revoker.Revoke(ctx, token)
	if errors.Is(err, upstream.ErrTokenDead) {
		c.onlyForgotten(ctx, person, "it was given to another app")
		return nil
	}
	return err
}

func (c *Cascade) onlyForgotten(ctx context.Context, person, reason string) {
	c.Log.LogAttrs(ctx, slog.LevelWarn, "upstream token forgotten without being revoked", slog.String("person", person), slog.String("reason", reason))
}
