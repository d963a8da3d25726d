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

// replaced ends the upstream token that a person had before a change of their account, if
// another one took its place: nobody will use it again, and GitHub keeps ten at most. One that
// was exchanged for a newer one is gone at the provider, and a provider that may end what is
// newer with it is left to let it expire.
//
// What the event says is opened as any record is, and compared with what is kept now. The
// token that is kept is never ended, however late or often an event comes. One that went
// without a successor was ended before that, by settle.
func (c *Cascade) replaced(ctx context.Context, change Change) error {
	if revoker, ok := c.Provider.(upstream.Revoker); ok && !revoker.Separate() {
		return nil
	}
	old, err := c.earlierToken(ctx, change, change.OldBody)
	if err != nil || len(old.UpstreamToken) == 0 {
		return err
	}
	next, err := c.earlierToken(ctx, change, change.Body)
	if err != nil || len(next.UpstreamToken) == 0 && change.Body != "" {
		return err
	}
	kept, err := c.keeps(ctx, change.Document, old)
	if err != nil {
		return fmt.Errorf("look whether the upstream token was replaced: %w", err)
	}
	if kept {
		return nil
	}
	if err := c.revoke(ctx, change.Document, old); err != nil {
		return err
	}
	telemetry.Audit(ctx, c.Log, telemetry.UpstreamTokenReplaced, slog.String("person", change.Document))
	return nil
}

// earlierToken opens an account of which an event tells. Without one, and where no key opens
// it any more, there is no token.
func (c *Cascade) earlierToken(ctx context.Context, change Change, body string) (store.Account, error) {
	if body == "" {
		return store.Account{}, nil
	}
	account, err := c.Store.EarlierAccount(ctx, change.Document, body)
	if store.Unreadable(err) {
		c.ignore(ctx, change, "the account in it cannot be opened")
		return store.Account{}, nil
	}
	return account, err
}

// keeps reports whether the present account of a person, by their document id, has the token
// of an earlier one, or what it was exchanged for.
func (c *Cascade) keeps(ctx context.Context, person string, earlier store.Account) (bool, error) {
	present, err := c.Store.AccountByDocument(ctx, person)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil || len(present.UpstreamToken) == 0 {
		return false, err
	}
	token, err := upstream.UnmarshalToken(present.UpstreamToken)
	if err != nil {
		return false, err
	}
	old, err := upstream.UnmarshalToken(earlier.UpstreamToken)
	renewed := old.SignIn != "" && token.SignIn == old.SignIn
	return renewed || token.AccessToken.Reveal() == old.AccessToken.Reveal(), err
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
	c.Log.LogAttrs(ctx, slog.LevelWarn, "upstream token forgotten without being revoked",
		slog.String("person", person), slog.String("reason", reason))
}
