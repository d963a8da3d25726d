package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/telemetry"
)

// A Problem is a failure that the person at the client should read. Say what they can do
// about it. Any other error is logged, and the person reads that the part failed.
type Problem string

// Error returns the text.
func (p Problem) Error() string { return string(p) }

// recovered answers for a part that panics. The SDK runs them in goroutines of its own, where
// a panic would end the process (HT-09). One that ends its goroutine, as a test that fails does,
// has the SDK answer nothing, so that the request ends.
func recovered(log *slog.Logger) sdk.Middleware {
	return func(next sdk.MethodHandler) sdk.MethodHandler {
		return func(ctx context.Context, method string, req sdk.Request) (result sdk.Result, err error) {
			returned := false
			defer func() {
				p := recover()
				if who, ok := ctx.Value(admittedContext{}).(*admitted); ok && p == nil && !returned {
					p = "runtime.Goexit"
					who.cancel(errExit)
				}
				if p != nil {
					telemetry.Add(ctx, slog.String("outcome", outcomePanic))
					log.LogAttrs(ctx, slog.LevelError, "tool panicked", slog.String("mcp_method", short(method)),
						slog.String(telemetry.StackKey, fmt.Sprintf("panic: %v\n%s", p, debug.Stack())))
					result, err = nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "internal error"}
				}
			}()
			result, err = next(ctx, method, req)
			returned = true
			return result, err
		}
	}
}

// masked lets out of an error what a person may read and logs the rest, for every part
// alike. The error of a tool is a result (MCP, Tools: error handling), any other an error
// of JSON-RPC.
func masked(log *slog.Logger) sdk.Middleware {
	return func(next sdk.MethodHandler) sdk.MethodHandler {
		return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
			result, err := next(ctx, method, req)
			answer, isTool := result.(*sdk.CallToolResult)
			if isTool && answer != nil && err == nil {
				err = answer.GetError()
			}
			unavailable, _ := errors.AsType[*Unavailable](err)
			switch {
			case err == nil:
				return result, nil
			case unavailable != nil:
				return nil, unavailable.wire(ctx)
			case isArguments(err):
				return result, nil
			case isProtocol(err):
				return nil, protocolError(err)
			}
			told := readable(ctx, log, method, what(method, req), err)
			if method == "tools/call" {
				return failed(req, answer, told), nil
			}
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: told.Error()}
		}
	}
}

// failed makes a tool's result that of a failure. One that the SDK made knows its revision's
// resultType (MOD-05), which nothing but the SDK and its decoder can set.
func failed(req sdk.Request, answer *sdk.CallToolResult, told error) sdk.Result {
	if answer == nil {
		answer = &sdk.CallToolResult{}
		if r, ok := req.(anyRequest); ok && r.ProtocolVersion() >= version20260728 {
			_ = json.Unmarshal([]byte(`{"resultType":"complete"}`), answer) // it is good
		}
	}
	answer.Content, answer.StructuredContent, answer.InputRequests = nil, nil, nil
	answer.SetError(told)
	return answer
}

// isArguments reports whether the SDK refused arguments by the schema: it quotes the schema
// and what the client sent, and the model learns from it.
func isArguments(err error) bool { return strings.HasPrefix(err.Error(), `validating "arguments"`) }

// isProtocol reports whether an error is in JSON-RPC's words already, or the SDK's for a
// method that it does not have.
func isProtocol(err error) bool {
	_, ok := errors.AsType[*jsonrpc.Error](err)
	return ok || strings.HasPrefix(err.Error(), "JSON RPC not handled")
}

func protocolError(err error) error {
	if wire, ok := errors.AsType[*jsonrpc.Error](err); ok {
		return wire // without what was wrapped around it
	}
	return err
}

// readable returns what the person may read of an error and logs the rest.
func readable(ctx context.Context, log *slog.Logger, method, part string, err error) error {
	if p, ok := errors.AsType[Problem](err); ok {
		if err != error(p) { //nolint:errorlint // is there more to it than the problem itself
			log.LogAttrs(ctx, slog.LevelWarn, "tool could not answer",
				slog.String("tool", part), slog.Any("error", err))
		}
		return p
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return Problem("the argument " + wrong.Field + " has the wrong type")
	}
	log.LogAttrs(ctx, slog.LevelError, "tool failed", slog.String("tool", part), slog.Any("error", err))
	which := "the tool"
	if method != "tools/call" {
		which = "the server"
	}
	return Problem(which + " failed; the operator finds the reason under request " + telemetry.RequestID(ctx))
}

// what names the part that a request is about, for the log.
func what(method string, req sdk.Request) string {
	named, uri := subjectOf(req)
	if named += uri; named != "" {
		return short(named)
	}
	return short(method)
}

// subjectOf returns the name or the address that a request is about.
func subjectOf(req sdk.Request) (named, uri string) {
	switch p := req.GetParams().(type) {
	case *sdk.CallToolParamsRaw:
		return p.Name, ""
	case *sdk.GetPromptParams:
		return p.Name, ""
	case *sdk.ReadResourceParams:
		return "", p.URI
	case *sdk.SubscribeParams:
		return "", p.URI
	}
	return "", ""
}

// scoped asks for the scopes of the part that the SDK is about to use. checkScopes has asked
// before, in OAuth's way; this holds whatever the two read differently. Completion, which the
// SDK leaves to one function of the author's, is for parts that the caller sees.
func (v *view) scoped(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		named, uri := subjectOf(req)
		scopes := v.needs(method, named, uri)
		if p, ok := req.GetParams().(*sdk.CompleteParams); ok && p.Ref != nil {
			var found bool
			if scopes, found = v.scopes[refOf(p.Ref)]; !found {
				return nil, invalidParams("there is no such prompt or template")
			}
		}
		if len(scopes) == 0 {
			return next(ctx, method, req)
		}
		caller, err := callerOf(req)
		if err != nil {
			return nil, err
		}
		if !oauth.Scopes(scopes).Within(caller.Scopes) {
			return nil, &jsonrpc.Error{
				Code:    jsonrpc.CodeInvalidRequest,
				Message: "the access token lacks a scope of: " + oauth.Scopes(scopes).String(),
			}
		}
		return next(ctx, method, req)
	}
}

// objects refuses arguments that are not an object. The SDK would tell the model types of Go.
func objects(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		call, ok := req.GetParams().(*sdk.CallToolParamsRaw)
		if ok && len(call.Arguments) > 0 && call.Arguments[0] != '{' && string(call.Arguments) != "null" {
			return nil, invalidParams("the member arguments has the wrong type")
		}
		return next(ctx, method, req)
	}
}
