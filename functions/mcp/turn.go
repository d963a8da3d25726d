package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A turn is one use of a tool, prompt or resource: the first, or one that brings an answer. It
// is the context of the part.
type turn struct {
	context.Context

	deps    Deps
	caller  Caller
	req     anyRequest
	session *sdk.ServerSession

	used  name // the part, a resource by its address
	with  any  // its arguments
	came  sdk.InputResponseMap
	state string

	answer *Answer // nil if none came that is one
}

// An anyRequest is what every request of the SDK has.
type anyRequest interface {
	sdk.Request
	ProtocolVersion() string
	ClientCapabilities() *sdk.ClientCapabilities
}

type turnContext struct{}

// Value is [context.Context]'s.
func (t *turn) Value(key any) any {
	if key == (turnContext{}) {
		return t
	}
	return t.Context.Value(key)
}

// turnOf returns nil for the context of no part.
func turnOf(ctx context.Context) *turn {
	t, _ := ctx.Value(turnContext{}).(*turn)
	return t
}

// An asking is a question as the SDK sends it.
type asking struct {
	inputs sdk.InputRequestMap
	state  string
}

// run runs a part, and turns a question of its into what the SDK is to send.
//
// An answer without state is one to a question that had none to bring back, which some clients
// give at once. Whether there is such a question is known when the part has asked it.
func run[T any](ctx context.Context, t *turn, part func(context.Context) (T, error)) (out T, ask *asking, err error) {
	if err := t.open(ctx); err != nil {
		return out, nil, err
	}
	t.Context = ctx
	out, err = part(t)
	question, ok := errors.AsType[*Question](err)
	if ok && t.state == "" && len(t.came) > 0 && question.State == nil {
		if t.answer = askedOf(question.inputs()).answer(t.came, nil); t.answer != nil {
			out, err = part(t)
			question, ok = errors.AsType[*Question](err)
		}
	}
	if ok {
		ask, err = t.ask(t, question)
	}
	return out, ask, err
}

// purpose binds state to the part and its arguments.
func (t *turn) purpose() (string, error) {
	arguments, err := json.Marshal(t.with)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(t.used.String()+"\x00"), arguments...))
	return "question " + hex.EncodeToString(sum[:]), nil
}

// Progress tells the client how far the part is, of total if that is not 0. It does nothing
// if the client did not ask for that. Its context is that of the part.
func Progress(ctx context.Context, done, total float64, message string) {
	t := turnOf(ctx)
	if t == nil {
		return
	}
	params, ok := t.req.GetParams().(interface{ GetProgressToken() any })
	if !ok || params.GetProgressToken() == nil {
		return
	}
	// The client left if this fails; the context says so too.
	_ = t.session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{
		ProgressToken: params.GetProgressToken(), Progress: done, Total: total, Message: message,
	})
}

// Log sends a line to the client, for the person there and not for the operator; data is a
// text or anything else that JSON has. It does nothing if the client did not ask for lines
// of that level: in a revision before 2026-07-28, for those below "info". Its context is that
// of the part.
func Log(ctx context.Context, level sdk.LoggingLevel, data any) {
	if t := turnOf(ctx); t != nil {
		_ = t.session.Log(ctx, &sdk.LoggingMessageParams{Level: level, Data: data}) // as in Progress
	}
}
