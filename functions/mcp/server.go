package mcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/shared/version"
)

// implementation is what the server says it is.
var implementation = &sdk.Implementation{Name: "postern", Title: "Postern", Version: version.String()}

// serveTools makes the SDK's server and its two handlers. The server holds nothing of
// any caller; the SDK makes a session per request and drops it (MP-05, MOD-01).
func (h *handler) serveTools() {
	server := sdk.NewServer(implementation, &sdk.ServerOptions{
		// Said outright, so that the SDK does not promise notices of changed lists,
		// for which clients would keep streams open. Prompts and resources are
		// listed, empty, since some clients ask for the lists in any case.
		Capabilities: &sdk.ServerCapabilities{
			Tools: &sdk.ToolCapabilities{}, Prompts: &sdk.PromptCapabilities{}, Resources: &sdk.ResourceCapabilities{},
		},
		SetCacheable: private,
	})
	server.AddReceivingMiddleware(h.recovered, objects)
	tools := h.Tools
	if tools == nil {
		tools = Builtin(h.Store, h.Provider, h.Now)
	}
	h.scopes = map[string][]string{}
	for _, t := range tools {
		t.add(server, h.Log)
		if len(t.scopes) > 0 {
			h.scopes[t.name] = t.scopes
		}
	}
	serve := func(jsonOnly bool) http.Handler {
		one := func(*http.Request) *sdk.Server { return server }
		return withToken(sdk.NewStreamableHTTPHandler(one, &sdk.StreamableHTTPOptions{
			Stateless: true, JSONResponse: jsonOnly, PropagateRequestCancellation: true, MaxRequestBodyBytes: maxBody,
			DisableLocalhostProtection: true, // checkAddress knows about gateways
		}))
	}
	h.json, h.streams = serve(true), serve(false)
}

// private keeps answers out of shared caches: what is listed may depend on the token
// (CCH-02, MP-09). The SDK's default is public.
func private(_ context.Context, _ sdk.Request, c *sdk.Cacheable) { c.CacheScope = "private" }

// recovered answers for a tool that panics. The SDK runs tools in goroutines of its
// own, where a panic would end the process (HT-09).
func (h *handler) recovered(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (result sdk.Result, err error) {
		defer func() {
			if p := recover(); p != nil {
				h.Log.LogAttrs(ctx, slog.LevelError, "tool panicked", slog.String("mcp_method", short(method)),
					slog.String(telemetry.StackKey, fmt.Sprintf("panic: %v\n%s", p, debug.Stack())))
				result, err = nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "internal error"}
			}
		}()
		return next(ctx, method, req)
	}
}

// objects refuses arguments that are not an object. The SDK would tell the model types of Go.
func objects(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		call, ok := req.GetParams().(*sdk.CallToolParamsRaw)
		if ok && len(call.Arguments) > 0 && call.Arguments[0] != '{' && string(call.Arguments) != "null" {
			return nil, &jsonrpc.Error{
				Code: jsonrpc.CodeInvalidParams, Message: "invalid params: the member arguments has the wrong type",
			}
		}
		return next(ctx, method, req)
	}
}

// ended reports whether an error of a look says that the grant is over.
func ended(err error) bool { return errors.Is(err, store.ErrNotFound) }
